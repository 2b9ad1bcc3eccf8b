"""Profiles (P05, P09, S10): what each kind of viewer is shown, and that 404 tells nothing."""

from __future__ import annotations

from typing import Any

import pytest

from forum import db
from forum.accounts.models import Person
from forum.agencies.models import Membership, RoleGrant
from forum.db import commit, now
from forum.testing import Signer, create_agency, create_person
from tests.core.accounts.steps import plain

ABOUT = "From Lyon, then Paris."


def cast() -> dict[str, Person]:
    """Who may meet whom."""
    made: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
        "ines": (("model",), {"about": ABOUT}), "mbali": (("mentor", "model"), {}),
        "ana": (("new_face",), {"age_band": "16-17", "about": ABOUT}),
        "una": (("model",), {"confirmed": False, "about": ABOUT}),
        "ruth": (("agency_manager",), {}), "bea": (("booker",), {}), "clea": (("coordinator",), {}),
        "tomas": (("model",), {"agency": "corso"}), "carl": (("coordinator",), {"agency": "corso"}),
        "rosa": (("agency_manager",), {"agency": "corso"}), "maud": (("moderator",), {}), "omar": (("operator",), {}),
        "joan": (("advocate",), {}), "olena": (("guardian",), {}), "vic": ((), {"state": "applicant"}),
        "sol": (("model",), {"state": "suspended"}), "lea": (("model",), {"state": "left"}),
    }  # fmt: skip
    return {name: create_person(name, *roles, **values) for name, (roles, values) in made.items()}


FULL, NAME, NOTHING = "full", "name", "nothing"
SEEN = {
    "ines": {"ines": FULL, "mbali": FULL, "ana": FULL, "clea": FULL, "maud": FULL, "tomas": NAME},
    "ana": {"ana": FULL, "ines": FULL, "mbali": FULL, "clea": FULL, "maud": FULL},
    "una": {"una": FULL, "ines": FULL, "mbali": FULL, "ana": FULL, "clea": FULL, "maud": FULL},
    "clea": {
        "clea": FULL,
        "ines": FULL,
        "mbali": FULL,
        "ana": FULL,
        "una": FULL,
        "maud": FULL,
        "tomas": NAME,
    },
    "tomas": {"tomas": FULL, "carl": FULL, "maud": FULL, "ines": NAME, "mbali": NAME, "ana": NAME},
    "olena": {"olena": FULL, "maud": FULL},
    "vic": {"vic": FULL, "maud": FULL},
    "sol": {"ines": FULL, "mbali": FULL, "ana": FULL, "clea": FULL, "maud": FULL, "tomas": NAME},
    "lea": {},
}


@pytest.mark.parametrize("whom", SEEN)
def test_everybody_sees_what_she_may_and_no_more(signed_in: Signer, whom: str) -> None:
    people = cast()
    for name, person in people.items():
        if name in ("sol", "lea"):
            continue  # they cannot sign in
        answer = signed_in(person).get(f"/people/{whom}")
        wanted = SEEN[whom].get(name, NOTHING)
        assert answer.status_code == (404 if wanted == NOTHING else 200), (name, whom)
        if wanted == NAME:
            assert "no more" in answer.text
            for secret in (ABOUT, "Northlight"):
                assert secret not in answer.text.split("<main")[1].split("<footer")[0]
        if wanted == FULL and people[whom].about:
            assert ABOUT in answer.text


def test_missing_and_forbidden_profiles_are_the_same_page(signed_in: Signer) -> None:
    people = cast()
    for name in ("ruth", "tomas", "joan", "omar", "vic", "una"):
        browser = signed_in(people[name])
        nobody = plain(browser.get("/people/nobody-there"))
        for whom in ("ana", "lea"):
            assert plain(browser.get(f"/people/{whom}")) == nobody


def test_nobody_opens_a_profile_signed_out(client: Any) -> None:
    cast()
    for handle in ("ines", "nobody-there"):
        assert client.get(f"/people/{handle}").headers["Location"].startswith("/sign-in")


def test_a_minors_age_is_shown_to_coordinator_and_moderator_only(signed_in: Signer) -> None:
    people = cast()
    marked = {
        n
        for n in ("ines", "mbali", "clea", "maud")
        if "Under 18" in signed_in(people[n]).get("/people/ana").text
    }
    assert marked == {"clea", "maud"}


def test_staff_of_ones_agency_is_no_secret(signed_in: Signer) -> None:
    people = cast()
    for name in ("una", "ana", "ines"):
        browser = signed_in(people[name])
        for whom in ("ruth", "clea"):
            assert browser.get(f"/people/{whom}").status_code == 200
    assert signed_in(people["bea"]).get("/people/ruth").status_code == 404


def test_shared_agencies_only_are_named(signed_in: Signer) -> None:
    people = cast()
    orme = create_agency("orme", "Orme").id
    db.db.session.add(Membership(person_id=people["ines"].id, agency_id=orme, confirmed_at=now()))
    db.db.session.add(RoleGrant(person_id=people["ines"].id, agency_id=orme, role="model"))
    commit()
    assert "Orme" not in signed_in(people["mbali"]).get("/people/ines").text
    assert "Orme" in signed_in(people["ines"]).get("/people/ines").text
