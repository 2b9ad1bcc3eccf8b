"""The table of hooks in README.md, made from the docstrings in hookspecs.py (`callboard plugins hooks`)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from forum import hookspecs

HEAD = ("| hook | verb and moment | what it is for | returns |", "|---|---|---|---|")


def table() -> str:
    """The whole table as Markdown."""
    return "\n".join([*HEAD, *_rows()])


def _rows() -> Iterator[str]:
    for name, function in vars(hookspecs).items():
        if hasattr(function, f"{hookspecs.PROJECT}_spec"):
            signature = inspect.signature(function)
            arguments = ", ".join(signature.parameters)
            moment, _, purpose = first_line(function).partition(": ")
            returns = str(signature.return_annotation).replace("|", "or")
            yield f"| `{name}({arguments})` | {moment} | {purpose.rstrip('.')} | `{returns}` |"


def first_line(function: object) -> str:
    """`verb, moment: what for.` — how every hook's docstring begins."""
    return (inspect.getdoc(function) or "").partition("\n")[0]
