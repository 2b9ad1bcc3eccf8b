"""What a built wheel carries besides the forum package: core pages, migrations, translations.

An editable install adds nothing here: forum/paths.py reads the checkout, and the Makefile
compiles the translations in place.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Folder of the checkout -> its place in the wheel, where forum/paths.py looks first.
CARRIED = {"templates": "forum/_templates", "migrations": "forum/_migrations"}


class CallboardBuildHook(BuildHookInterface):
    """Adds files to a standard wheel; the compiled catalogues are made in a folder of their own."""

    compiled: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        included = build_data["force_include"]
        included.update({str(root / folder): place for folder, place in CARRIED.items()})
        self.compiled = Path(tempfile.mkdtemp(prefix="callboard-mo-"))
        catalogues = [
            *root.glob("forum/translations/*/*/*.po"),
            *root.glob("plugins/*/translations/*/*/*.po"),
        ]
        for number, source in enumerate(sorted(catalogues)):
            target = self.compiled / f"{number}.mo"
            compile_catalogue(source, target)
            place = source.relative_to(root).with_suffix(".mo").as_posix()
            included[str(target)] = place.removeprefix("plugins/")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.compiled is not None:
            shutil.rmtree(self.compiled)


def compile_catalogue(source: Path, target: Path) -> None:
    """One .po file to one .mo file; fuzzy entries stay out, as with `pybabel compile`."""
    with source.open("rb") as po, target.open("wb") as mo:
        write_mo(mo, read_po(po))
