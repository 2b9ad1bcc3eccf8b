"""Which plugins an agency has on, how it set them up, and notices that hang on such a switch."""

import sqlalchemy as sa
from alembic import op

import forum.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "agency_plugin",
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", forum.db.UTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_agency_plugin_agency_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_agency_plugin_changed_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("agency_id", "plugin", name=op.f("pk_agency_plugin")),
    )
    with op.batch_alter_table("notice") as notice:
        notice.add_column(sa.Column("agency_id", sa.Integer(), nullable=True))
        notice.create_foreign_key(
            op.f("fk_notice_agency_id"), "agency", ["agency_id"], ["id"], ondelete="CASCADE"
        )


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("notice") as notice:
        notice.drop_constraint(op.f("fk_notice_agency_id"), type_="foreignkey")
        notice.drop_column("agency_id")
    op.drop_table("agency_plugin")
