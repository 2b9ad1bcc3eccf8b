"""Runs migrations for one component: the core, or a plugin, each with its own version table.

`forum.migrating` calls this with the component's name, metadata filter and connection.
"""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    version_table=config.attributes["version_table"],
    include_object=config.attributes["include_object"],
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="forum.db.",
)
with context.begin_transaction():
    context.run_migrations()
