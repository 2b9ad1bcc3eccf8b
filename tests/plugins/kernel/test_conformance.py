"""The kit for authors sees every breach, and passes a plugin that keeps the rules."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from forum import conformance, db, source_rules
from forum.admission import Broken, Plugin, known
from forum.conformance import Conformance, Subject, on_a_site
from forum.declare import AgencyRef, PluginInfo

INFO = '''
@hookimpl
def plugin_info():
    """Who it is."""
    return PluginInfo("{name}", _("Wrong"), _("Breaks a rule"){more})
'''
numbers = iter(range(1000))
Make = Callable[..., ModuleType]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A function: write a plugin with this text and these files, and import it. Its name is a new one each time."""
    made: list[str] = []

    def write(body: str = "", more: str = "", **files: str) -> ModuleType:
        name = f"wrong{next(numbers)}x"
        package = tmp_path / f"forum_{name}"
        made.append(name)
        head = "from flask_babel import lazy_gettext as _\nfrom forum.sdk import *\n"
        plugin = head + INFO.format(name=name, more=more) + dedent(body).replace("NAME", name)
        for path, words in {"__init__.py": "", "plugin.py": plugin, **files}.items():
            file = package / path.replace("NAME", name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(words).replace("NAME", name))
        sys.path.insert(0, str(tmp_path))
        try:
            return importlib.import_module(f"forum_{name}.plugin")
        finally:
            sys.path.remove(str(tmp_path))

    yield write
    for name in made:
        for module in [m for m in sys.modules if m.startswith(f"forum_{name}")]:
            del sys.modules[module]
        for table in [t for key, t in db.db.metadata.tables.items() if key.startswith(f"{name}_")]:
            db.db.metadata.remove(table)


@pytest.fixture
def told(migrated_folder: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """A function: what a check says of this plugin."""

    def look(check: Any, hooks: ModuleType, make_one: Any = lambda *given: None) -> list[str]:
        folder = tmp_path / f"site-{next(numbers)}"
        shutil.copytree(migrated_folder, folder)
        with on_a_site(folder, hooks, make_one) as subject:
            return list(check(subject))

    return look


def files_say(rule: Any, hooks: ModuleType) -> list[str]:
    plugin: Plugin = known(hooks, hooks.plugin_info())
    return list(rule(plugin))


# --- what is seen when it runs ---------------------------------------------------------------------------

PAGE = '''
    from flask import Blueprint
    bp = Blueprint("NAME", __name__)

    @bp.get("")
    @needs("NAME.read")
    def show(agency):
        {does}

    @hookimpl
    def blueprints():
        """Its page."""
        return [Mount(bp)]

    @hookimpl
    def permissions():
        """Its rule."""
        return [Permission("NAME.read", _("Read"), {roles})]
'''


def paged(does: str = "return 'a page'", roles: str = '{"model"}') -> str:
    return PAGE.replace("{does}", does).replace("{roles}", roles)


def test_a_plugin_that_keeps_the_rules_is_told_nothing(make: Make, told: Any) -> None:
    good = make(paged())

    assert [told(check, good) for check in conformance.CHECKS] == [[]] * len(conformance.CHECKS)
    assert [
        files_say(rule, good) for rule in source_rules.RULES if rule is not source_rules.imports_the_sdk_only
    ] == [[]] * 4


def test_a_link_to_an_agency_that_has_it_off_is_seen(make: Make, told: Any) -> None:
    hooks = make(paged() + '''
    @hookimpl
    def nav_items(viewer):
        """To every agency of hers, without asking."""
        return []

    @hookimpl
    def page_slot(slot, viewer):
        """A card."""
        context = {"links": [m.slug for m in viewer.agencies]}
        return [Card("", "NAME/links.html", context)] if slot == "site_footer" else []
    ''', ", Scope.BOTH", **{"templates/NAME/links.html": "{% for s in links %}<a href='/a/{{ s }}/NAME'>x</a>{% endfor %}"})  # fmt: skip
    sentences = told(conformance.is_gone_where_it_is_off, hooks)

    assert any("which south has off" in s for s in sentences)
    assert any("which north has off" in s for s in sentences)


def test_a_page_that_opens_nowhere_is_seen(make: Make, told: Any) -> None:
    hooks = make(paged("raise Missing"))

    assert "none of its pages opens at north, which has it on." in told(
        conformance.is_gone_where_it_is_off, hooks
    )


def test_a_page_that_writes_is_seen(make: Make, told: Any) -> None:
    body = "from sqlalchemy import text\n        db.session.execute(text(\"DELETE FROM agency\"))\n        return 'x'"
    sentences = told(conformance.writes_nothing_while_reading, make(paged(body)))

    assert "/a/north/NAME answers 500" in sentences[0].replace(sentences[0].split("/")[3].split()[0], "NAME")


@pytest.mark.parametrize(
    ("does", "words"),
    [
        ("raise KeyError('x')", "it failed in nav_items: KeyError"),
        ("return 7", "it failed in nav_items: TypeError"),
        ("db.session.execute(text('DELETE FROM agency'))", "it failed in nav_items: RuntimeError"),
    ],
)
def test_a_part_of_a_core_page_that_fails_is_seen(make: Make, told: Any, does: str, words: str) -> None:
    hooks = make(f'''
    from sqlalchemy import text

    @hookimpl
    def nav_items():
        """Wrong."""
        {does}
    ''')

    assert any(words in s for s in told(conformance.writes_nothing_while_reading, hooks))


def test_a_part_that_asks_the_database_on_every_page_is_seen(make: Make, told: Any) -> None:
    hooks = make('''
    from sqlalchemy import text

    @hookimpl
    def nav_items():
        """Asks each time."""
        db.session.execute(text("SELECT count(*) FROM agency"))
        return []
    ''')
    sentences = told(conformance.costs_the_core_nothing, hooks)

    assert any("SELECT count(*) FROM agency" in s for s in sentences)


MODELS = '''
    from __future__ import annotations
    from sqlalchemy import ForeignKey, String
    from sqlalchemy.orm import Mapped, mapped_column
    from forum.sdk import Model

    class Thing(Model):
        """A thing."""
        __tablename__ = "NAME_thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
        words: Mapped[str] = mapped_column(String(80))
'''
MIGRATION = '''
    """Things."""
    import sqlalchemy as sa
    from alembic import op
    revision, down_revision, branch_labels, depends_on = "NAME_0001", None, None, None

    def upgrade():
        op.create_table("NAME_thing", sa.Column("id", sa.Integer(), nullable=False), sa.Column("person_id", sa.Integer(), nullable=False),
            sa.Column("words", sa.String(80), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_NAME_thing"),
            sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_NAME_thing_person_id", ondelete="CASCADE"))

    def downgrade():
        op.drop_table("NAME_thing")
'''
EXPORT = '''
    @hookimpl
    def person_export(person):
        """All of hers."""
        rows = db.session.query(models.Thing).filter_by(person_id=person.id)
        return [ExportFile("NAME-things", [{"words": row.words} for row in rows], "things")]
'''
ERASE = '''
    @hookimpl
    def person_erase(person, now):
        """Forget her."""
        return ErasureReport(deleted=db.session.query(models.Thing).filter_by(person_id=person.id).delete())
'''


def keeper(make: Make, *parts: str, migration: str = MIGRATION) -> ModuleType:
    body = "\n    import forum_NAME.models as models\n" + "".join(parts)
    return make(body, **{"models.py": MODELS, "migrations/versions/0001_things.py": migration})


def store(hooks: ModuleType) -> Any:
    table = f"{hooks.plugin_info().name}_thing"

    def make_one(person_id: int, agency: AgencyRef, words: str) -> None:
        db.db.session.execute(
            text(f"INSERT INTO {table} (person_id, words) VALUES (:p, :w)"), {"p": person_id, "w": words}
        )

    return make_one


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ((EXPORT, ERASE), []),
        ((ERASE,), ["not in the person's export"]),
        ((EXPORT,), ["still has the person's words", "still names the person"]),
    ],
)
def test_what_is_not_exported_or_not_erased_is_seen(
    make: Make, told: Any, parts: tuple[str, ...], wanted: list[str]
) -> None:
    hooks = keeper(make, *parts)
    sentences = told(conformance.exports_and_erases_everything, hooks, store(hooks))

    assert len(sentences) == len(wanted)
    assert all(words in sentence for words, sentence in zip(wanted, sentences, strict=True))


def test_a_table_that_make_one_forgets_is_seen(make: Make, told: Any) -> None:
    sentences = told(conformance.exports_and_erases_everything, keeper(make, EXPORT, ERASE))

    assert sentences[0].startswith("make_one stores nothing in")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("sa.String(80), nullable=False), sa.Prim", "sa.String(80), nullable=True), sa.Prim"), "models and migrations differ"),
        (('op.drop_table("NAME_thing")', "pass"), "undoing its migrations leaves"),
    ],
)  # fmt: skip
def test_migrations_that_do_not_fit_are_seen(
    make: Make, told: Any, change: tuple[str, str], words: str
) -> None:
    hooks = keeper(make, EXPORT, ERASE, migration=MIGRATION.replace(*change))
    assert words in told(conformance.migrates_to_its_models, hooks)[0]


def test_a_table_without_a_migration_is_seen(make: Make, told: Any) -> None:
    hooks = make("\n    import forum_NAME.models\n", **{"models.py": MODELS})

    assert told(conformance.migrates_to_its_models, hooks)[0].endswith("_thing has no migration.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('    @hookimpl\n    def permissions():\n        """x"""\n        return [Permission("read", _("Read"), {"model"})]', "begin with"),
        (paged().replace('    @needs("NAME.read")\n', ""), "is no permission"),
        ("    @hookimpl\n    def nav_itmes():\n        return []", "nav_itmes"),
    ],
)  # fmt: skip
def test_what_may_not_start_does_not_start_here_either(make: Make, told: Any, body: str, words: str) -> None:
    with pytest.raises(Broken, match=words):
        told(conformance.is_gone_where_it_is_off, make("\n" + body))


# --- what is seen in its files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "files", "words"),
    [
        (source_rules.imports_the_sdk_only, {"actions.py": "from forum.db import db"}, "imports forum.db"),
        (source_rules.imports_the_sdk_only, {"actions.py": "from forum import boards"}, "imports forum.boards"),
        (source_rules.imports_the_sdk_only, {"actions.py": "import forum.accounts.models"}, "imports forum.accounts.models"),
        (source_rules.imports_the_sdk_only, {"actions.py": "import forum_other.models"}, "imports another plugin"),
        (source_rules.leaves_commits_to_the_core, {"actions.py": "def f(db):\n    db.session.commit()"}, "uses commit"),
        (source_rules.leaves_commits_to_the_core, {"actions.py": "def f(db):\n    db.session.rollback()"}, "uses rollback"),
        (source_rules.leaves_commits_to_the_core, {"actions.py": "from sqlalchemy import create_engine\ncreate_engine('x')"}, "uses create_engine"),
        (source_rules.leaves_commits_to_the_core, {"actions.py": "def f(db):\n    return db.engine"}, "uses engine"),
        (source_rules.says_what_each_hook_does, {"more.py": "@hookimpl\ndef seed(now):\n    return None"}, "seed() has no docstring"),
        (source_rules.keeps_templates_under_its_name, {"templates/boards/show_topic.html": "x"}, "templates/boards/show_topic.html"),
        (source_rules.speaks_through_gettext, {"templates/NAME/page.html": "<p>Bare words</p>"}, "'Bare words' is not in _()"),
        (source_rules.speaks_through_gettext, {"templates/NAME/page.html": '<img alt="A bare picture">'}, "A bare picture"),
        (source_rules.speaks_through_gettext, {"actions.py": "say('Saved it')"}, "'Saved it' is not in gettext"),
        (source_rules.speaks_through_gettext, {"actions.py": "raise Refused(f'Not {x}')"}, "is not in gettext"),
        (source_rules.speaks_through_gettext, {"actions.py": "Permission('a.b', 'Read it')"}, "'Read it' is not in gettext"),
    ],
)  # fmt: skip
def test_a_breach_in_a_file_is_seen(make: Make, rule: Any, files: dict[str, str], words: str) -> None:
    clean = {
        "actions.py": "from forum.sdk import db\n",
        "templates/NAME/page.html": "{# Words #}<p>{{ _('Words') }} &amp; {% if x %}1{% endif %}</p>",
    }

    assert any(words in sentence for sentence in files_say(rule, make(**files)))
    assert files_say(rule, make(**clean)) == []


def test_the_class_for_authors_runs_every_check() -> None:
    marks = {
        mark.args[1]
        for name in ("test_it", "test_its_files")
        for mark in getattr(Conformance, name).pytestmark
    }

    assert marks == {conformance.CHECKS, source_rules.RULES}
    assert isinstance(Subject.__doc__, str)
    assert PluginInfo("a", "b", "c").address == "a"
