"""Who may read and write where. The audience of a board is fixed when it is made (P44)."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from flask_babel import gettext

from forum.permissions import Permission, anyone, register
from forum.viewer import AGENCY_ROLES, Membership, Viewer

AUDIENCES = ("public", "everyone", "members", "peer", "agency")
ANNOUNCERS = frozenset({"moderator", "advocate", "operator"})
NEWCOMER = dt.timedelta(days=1)


class BoardFacts(Protocol):
    """What the rules need of a board."""

    audience: str
    agency_id: int | None
    scope: str
    read_only: bool


def scope_of(audience: str, agency_id: int | None, chartered: bool = False) -> str:
    """The word that a viewer's `scopes` must hold to read the board.

    public · everyone (who is approved) · members · peer:<agency> · chartered:<agency> (peers, and the
    coordinator by charter, P24) · agency:<agency>. Errors: ValueError for a board that cannot be.
    """
    if audience not in AUDIENCES or (audience in ("peer", "agency")) != (agency_id is not None):
        raise ValueError(f"no board can have audience {audience!r} with agency {agency_id!r}")
    if agency_id is None:
        return audience
    return f"{'chartered' if chartered and audience == 'peer' else audience}:{agency_id}"


def may_write(viewer: Viewer, board: BoardFacts) -> bool:
    """Whether the viewer may open topics and reply on a board that she can read (P28)."""
    if board.scope not in viewer.scopes:
        return False
    if board.read_only:
        return bool(viewer.site_roles & ANNOUNCERS)
    if board.agency_id is not None:
        return True
    return viewer.is_member


def may_create_board(viewer: Viewer, audience: str, agency_id: int | None) -> bool:
    """P42: peer boards by coordinator or operator; P43: agency-present ones by the agency as well."""
    operator = "operator" in viewer.site_roles
    if agency_id is None:
        return operator
    if audience == "peer":
        return operator or viewer.has_role("coordinator", agency_id)
    manager = viewer.has_role("agency_manager", agency_id)
    return audience == "agency" and (operator or manager or viewer.has_role("coordinator", agency_id))


def is_newcomer(viewer: Viewer, at: dt.datetime) -> bool:
    """On her first day: fewer topics and replies, and no links (P28, A11)."""
    return viewer.member_since is not None and at - viewer.member_since < NEWCOMER


def role_shown(viewer: Viewer, board: BoardFacts) -> str:
    """The role that stands beside the author's name, as it is at the time of writing."""
    standing = next((m for m in viewer.agencies if m.agency_id == board.agency_id), None)
    held = (standing.roles if standing else frozenset()) | viewer.site_roles
    if held & AGENCY_ROLES:
        return "agency"
    return next((r for r in ("coordinator", "moderator", "advocate", "operator", "mentor") if r in held), "")


def who_can_read(board: BoardFacts, agency_name: str) -> str:
    """One sentence for the box beside every composer."""
    if board.audience == "public":
        return gettext("Everyone, also without signing in. Your name is shown.")
    if board.audience == "everyone":
        return gettext("Everyone with an account, people who work at agencies included.")
    if board.audience == "members":
        return gettext("Members of the Alliance, from every agency. Nobody who works at an agency.")
    if board.audience == "agency":
        return gettext("Models of %(agency)s, and your agency can read this.", agency=agency_name)
    if board.scope.startswith("chartered:"):
        return gettext(
            "Confirmed models of %(agency)s and the mentoring coordinator. Nobody who works at the agency.",
            agency=agency_name,
        )
    return gettext("Confirmed models of %(agency)s. Nobody who works at the agency.", agency=agency_name)


def _may_make_for_agency(viewer: Viewer, standing: Membership | None) -> bool:
    if "operator" in viewer.site_roles:
        return True
    return standing is not None and bool(standing.roles & {"agency_manager", "coordinator"})


def _is_operator(viewer: Viewer, standing: Membership | None) -> bool:
    return "operator" in viewer.site_roles


def _is_approved(viewer: Viewer, standing: Membership | None) -> bool:
    return bool(viewer.memberships)


register(
    Permission("boards.read", "Read the boards that are open to one", anyone, signed_in=False),
    Permission("boards.write", "Open topics, reply, change one's own posts", _is_approved),
    Permission("boards.create_for_agency", "Make a board of an agency", _may_make_for_agency),
    Permission("boards.create_for_site", "Make a board of the Alliance", _is_operator),
    Permission("search.read", "Search what one may read", anyone, signed_in=False),
)
