"""Who may read and write what, said once more and by hand: the tests' own truth about the personas.

Nothing here asks the rules of forum/. Sources: permissions P23 to P28, P42, P43, H6, H7. The rows of the
access table, which are made of these words, are in tests/access.py and tests/plugins/<name>/access.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.personas import PEOPLE, PERSONAS, STRANGERS, Site

APPROVED = frozenset(PEOPLE) - {"vic", "sol", "lea"}  # has a role and may use it
MEMBERS = frozenset({"ana", "dasha", "mbali", "ines", "tomas", "joan", "femi", "maud", "eve"})
NORTHLIGHT_PEERS = frozenset({"ana", "dasha", "mbali", "ines"})
NORTHLIGHT = NORTHLIGHT_PEERS | {"una", "ruth", "bea", "clea"}
CORSO = frozenset({"tomas", "rosa", "carl"})

READERS: dict[str, frozenset[str]] = {
    "welcome": frozenset(PERSONAS),
    "news": APPROVED,
    "lobby": APPROVED,
    "castings": MEMBERS,
    "northlight-peer": NORTHLIGHT_PEERS,
    "northlight-charter": NORTHLIGHT_PEERS | {"clea"},
    "northlight-house": NORTHLIGHT,
    "corso-peer": frozenset({"tomas"}),
    "corso-house": CORSO,
}
WRITERS: dict[str, frozenset[str]] = {
    **READERS,
    "welcome": MEMBERS,
    "news": frozenset({"maud", "joan", "femi", "omar"}),
    "lobby": MEMBERS,
}

# --- rows of the access table --------------------------------------------------------------------
#
# One row for each route and method, and more where the answer depends on the subject. What is not
# named is refused: strangers are sent to the sign-in page, everybody else gets the one 404.

ALL = frozenset(PERSONAS)
HERE = ALL - STRANGERS
OFFICE = frozenset({"ruth", "bea"})
NOBODY: frozenset[str] = frozenset()
MINE = "Words of mine"


@dataclass(frozen=True)
class Row:
    """A request and who gets which answer. `url` is filled from the Site; `rest` get `otherwise`.

    Answers: page (200), done (a redirect onwards), again (422: the form with its errors), gone
    (410), said (another 4xx with a sentence), missing (404), sign in (a redirect there).
    """

    method: str
    endpoint: str
    url: str
    answers: dict[str, frozenset[str]]
    fields: dict[str, str] = field(default_factory=dict)
    strangers: str = "sign in"

    def expected(self, name: str) -> str:
        """The answer that this persona gets."""
        for answer, names in self.answers.items():
            if name in names:
                return answer
        return self.strangers if name in STRANGERS else "missing"

    def address(self, site: Site) -> str:
        """Where the request goes."""
        return self.url.format(s=site)


def get(endpoint: str, url: str, strangers: str = "sign in", **answers: frozenset[str]) -> Row:
    """A row of a page."""
    return Row("GET", endpoint, url, answers, {}, strangers)


def post(
    endpoint: str,
    url: str,
    fields: dict[str, str] | None = None,
    strangers: str = "sign in",
    **answers: frozenset[str],
) -> Row:
    """A row of a form that is sent."""
    return Row("POST", endpoint, url, answers, fields or {}, strangers)


def only(*names: str) -> frozenset[str]:
    """These and nobody else."""
    return frozenset(names)
