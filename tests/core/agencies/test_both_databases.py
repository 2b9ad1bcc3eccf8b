"""The same on SQLite and PostgreSQL: lists, joining, removing, growing up; and export and erasure."""

from __future__ import annotations

import datetime as dt

from flask import Flask
from sqlalchemy import select

from forum import db, people_data, sealing
from forum.accounts import ages
from forum.accounts.models import Person
from forum.agencies import log
from forum.agencies.guardians.actions import move_age_bands
from forum.agencies.joining import actions as joining
from forum.agencies.joining import queries as ways_in
from forum.agencies.members import actions as members
from forum.agencies.members import queries as people_here
from forum.agencies.models import (
    Agency,
    Confirmation,
    Guardianship,
    Invite,
    Membership,
    PendingJoin,
    RoleGrant,
)
from forum.agencies.people import queries as people
from forum.agencies.people.actions import lift_suspensions, suspend
from forum.db import commit, now
from forum.testing import create_agency, create_person, viewer_of
from tests.core.accounts.steps import again, all_of, forget, link_in, mails, one_of, work


def northlight() -> Agency:
    return create_agency("northlight")


def test_lists_and_the_log(any_app: Flask) -> None:
    clea, ruth, omar = (
        create_person("clea", "coordinator"),
        create_person("ruth", "agency_manager"),
        create_person("omar", "operator"),
    )
    ines = create_person("ines", "model")
    for n in range(55):
        create_person(f"m{n:02}", "model", display_name=f"Model {n:02}")
    for reader, count in ((clea, 58), (ines, 56), (ruth, 58), (omar, 2)):
        first, after = people_here.members(viewer_of(reader), northlight(), None)
        rest = people_here.members(viewer_of(reader), northlight(), after)[0] if after else []
        assert len({m.membership_id for m in [*first, *rest]}) == count
    names = [m.name for m in people_here.members(viewer_of(ines), northlight(), None)[0]]
    assert names == sorted(names)
    assert {m.name for m in people_here.staff_of(viewer_of(ines), northlight())} == {"Clea", "Ruth"}
    joining.create_invite(viewer_of(ruth), "northlight", "model", "Noor Haddad")
    commit()
    assert [r.name for r in ways_in.invites(viewer_of(ruth), northlight(), None)[0]] == ["Noor Haddad"]
    assert len(log.entries(viewer_of(ines), northlight(), None)[0]) == 1
    assert people.profile(viewer_of(ines), "m03", now()).places[0].slug == "northlight"
    assert len(people.grants_of(viewer_of(omar), ruth)) == 1
    forget()


def test_joining_confirming_and_removing(any_app: Flask) -> None:
    ruth = create_person("ruth", "agency_manager")
    peers = [create_person(f"peer{n}", "model") for n in (1, 2)]
    code = joining.create_invite(viewer_of(ruth), "northlight", "model", "Noor Haddad")
    commit()
    found = ways_in.open_invite(code, now())
    assert found
    born = "2001-02-28"
    joining.ask_to_join(
        found, "noor@example.org", "Noor", "seven plain wooden spoons", born, "en", "", "192.0.2.1", "b"
    )
    commit()
    work()
    token = link_in(mails("noor@example.org")[0]).rpartition("/")[2]
    pending = ways_in.open_pending(token, now())
    assert pending
    noor = joining.finish(pending[0], found, True, "")
    commit()
    assert ways_in.open_invite(code, now()) is None
    assert [x.handle for x in people_here.newcomers(viewer_of(peers[0]), northlight())] == ["noor"]
    done = []
    for peer in peers:
        done.append(members.confirm_member(viewer_of(peer), "northlight", "noor"))
        commit()
    assert done == [False, True]
    assert viewer_of(noor).is_member
    number = one_of(select(Membership).where(Membership.person_id == noor.id)).id
    members.remove_member(viewer_of(ruth), "northlight", number, "The contract has ended.")
    commit()
    assert [m.agency_id for m in viewer_of(again(noor)).memberships] == [None]
    forget()


def test_suspending_and_growing_up(any_app: Flask) -> None:
    maud, ana = create_person("maud", "moderator"), create_person("ana", "new_face", age_band="16-17")
    suspend(viewer_of(maud), "ana", 1, "Rude, three times.")
    commit()
    lift_suspensions(now() + dt.timedelta(days=2))
    row = db.db.session.get_one(Person, ana.id)
    row.born = ages.seal_born(dt.date(2000, 1, 1), str(ana.id))
    db.db.session.flush()
    move_age_bands(now())
    commit()
    assert (again(ana).state, again(ana).age_band) == ("active", "adult")
    forget()


def test_one_of_each_thing_is_exported_and_erased(any_app: Flask) -> None:
    ines, clea, ruth = (
        create_person("ines", "model"),
        create_person("clea", "coordinator"),
        create_person("ruth", "agency_manager"),
    )
    una = create_person("una", "model", confirmed=False)
    place = northlight().id
    row = db.db.session.scalars(select(Membership).where(Membership.person_id == ines.id)).one()
    row.legal_name = sealing.seal("Maria Carbonnel", f"legal_name:{ines.id}")
    waiting = db.db.session.scalars(select(Membership).where(Membership.person_id == una.id)).one()
    db.db.session.add_all(
        [
            Confirmation(membership_id=waiting.id, by_person_id=ines.id),
            Guardianship(child_id=una.id, guardian_id=ines.id, verified_by=clea.id),
            Guardianship(child_id=ines.id, guardian_id=clea.id),
            Invite(code_hash=b"1" * 32, agency_id=place, role="model", created_by=ines.id, expires_at=now()),
            Invite(code_hash=b"2" * 32, agency_id=place, role="model", created_by=ruth.id, used_by=ines.id,
                   legal_name=b"sealed", expires_at=now()),
            Invite(code_hash=b"3" * 32, agency_id=place, role="guardian", created_by=clea.id, child_id=ines.id,
                   expires_at=now()),
            PendingJoin(browser_hash=b"x" * 32, email=ines.email, display_name="Inès", password_hash="", born=b"x",
                        age_band="adult", timezone="UTC"),
        ]
    )  # fmt: skip
    commit()
    files = {f.name: f.rows for f in people_data.files(ines.id)}
    assert [len(files[n]) for n in ("memberships", "roles", "invites", "guardians", "confirmations")] == [
        1,
        1,
        1,
        2,
        1,
    ]
    people_data.erase(ines.id, True)
    db.db.session.delete(db.db.session.get_one(Person, ines.id))
    commit()
    for table, column in ((Membership, "person_id"), (RoleGrant, "person_id"), (Confirmation, "by_person_id"),
                          (Guardianship, "child_id"), (Guardianship, "guardian_id"), (Invite, "created_by"),
                          (Invite, "used_by"), (Invite, "child_id")):  # fmt: skip
        assert all_of(select(table).where(getattr(table, column) == ines.id)) == []
    assert all_of(select(PendingJoin)) == []
    assert all_of(select(Invite).where(Invite.legal_name.is_not(None))) == []
    assert len(all_of(select(Membership))) == 3
