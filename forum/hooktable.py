"""The table of hooks in README.md, made from the docstrings of forum/hookspecs.py: what is said there is said once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from forum import hookspecs

FIRST_LINE = re.compile(r"(everyone|show|ask|one), ([^:]+): (.+)", re.DOTALL)
HEAD = ("| hook | when | what | answers | verb |", "|---|---|---|---|---|")


@dataclass(frozen=True)
class Hook:
    """One hook: `signature` with its arguments, what it answers, by which verb and when it is called."""

    name: str
    signature: str
    answers: str
    verb: str
    when: str
    about: str


def hooks() -> Iterator[Hook]:
    """Every hook in the order of the file. Errors: ValueError for one whose docstring does not say verb and moment."""
    for name, spec in vars(hookspecs).items():
        if hasattr(spec, f"{hookspecs.PROJECT}_spec"):
            first = (inspect.getdoc(spec) or "").partition("\n\n")[0]
            said = FIRST_LINE.fullmatch(" ".join(first.split("\n")[:1]))
            if said is None:
                raise ValueError(f"{name}: its docstring begins 'verb, when: what'")
            shape = inspect.signature(spec)
            yield Hook(
                name, f"{name}({', '.join(shape.parameters)})", str(shape.return_annotation), *said.groups()
            )


def markdown() -> str:
    """The table."""
    rows = [
        f"| `{h.signature}` | {h.when} | {h.about} | `{h.answers}` | {h.verb} |".replace(
            " | None`", " \\| None`"
        )
        for h in hooks()
    ]
    return "\n".join([*HEAD, *rows])
