"""Spanish says everything; Ukrainian says sign-in, help and leaving; placeholders are kept."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = {"gettext": None, "_": None, "lazy_gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python")], [("**.html", "jinja2")]
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": "jinja2.ext.i18n"}
UKRAINIAN_PARTS = ("templates/base.html", "templates/accounts/", "templates/errors/", "templates/joining/")


def texts(folder: str) -> dict[str, set[str]]:
    """Every text in this folder that people read, with the files that say it."""
    methods = METHODS[0] if folder == "forum" else METHODS[1]
    found: dict[str, set[str]] = {}
    extracted = extract_from_dir(
        ROOT / folder, methods, options_map={"**.html": OPTIONS}, keywords=KEYWORDS, callback=None
    )
    for name, _line, message, _comments, _context in extracted:
        key = message[0] if isinstance(message, tuple) else message
        found.setdefault(key, set()).add(f"{folder}/{name}")
    return found


def catalogue(language: str) -> Catalog:
    path = ROOT / "forum" / "translations" / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


def missing(found: Catalog, wanted: set[str]) -> list[str]:
    messages = {m.id[0] if isinstance(m.id, tuple) else m.id: m for m in found if m.id}
    return sorted(t for t in wanted if t not in messages or not is_translated(messages[t]))


def is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(strings) and not message.fuzzy


def test_spanish_says_everything() -> None:
    wanted = set(texts("forum")) | set(texts("templates"))

    assert len(wanted) > 300
    assert not missing(catalogue("es"), wanted)


def test_ukrainian_says_sign_in_help_and_leaving() -> None:
    wanted = {
        t for t, files in texts("templates").items() if any(f.startswith(UKRAINIAN_PARTS) for f in files)
    }

    assert len(wanted) > 60
    assert not missing(catalogue("uk"), wanted)


@pytest.mark.parametrize("language", ["es", "uk"])
def test_a_translation_keeps_every_placeholder(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        names = set().union(*(re.findall(r"%\(\w+\)\w?", source) for source in sources))
        for string in message.string if isinstance(message.string, tuple) else (message.string,):
            assert not string or set(re.findall(r"%\(\w+\)\w?", string)) == names, message.id
            assert not string or message.id == ("",) or "\n\n" not in sources[0] or "\n\n" in string
