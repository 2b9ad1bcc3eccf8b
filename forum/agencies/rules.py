"""Who may do what with agencies, roles, invites, applications and guardians. Pure functions.

The agency is a tenant and a possible adversary: it invites and ends memberships, and never
confirms, never vouches, never reads profiles (permissions.md, rule 2).
"""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import lazy_gettext as _

from forum.permissions import Permission, anyone, register
from forum.plugins import loaded
from forum.viewer import AGENCY_ROLES, MEMBER_ROLES, PEER_ROLES, SITE_ROLES, STAFF_ROLES, Membership, Viewer

ROLE_NAMES = {
    "model": _("Model"),
    "new_face": _("New face"),
    "mentor": _("Mentor"),
    "guardian": _("Guardian"),
    "coordinator": _("Coordinator"),
    "agency_manager": _("Agency manager"),
    "booker": _("Booker"),
    "moderator": _("Moderator"),
    "advocate": _("Advocate"),
    "operator": _("Operator"),
}
WATCHING_ROLES = SITE_ROLES | {"coordinator"}  # never together with a role on an agency's side
TOLD_TO_OPERATORS = frozenset({"agency_manager", "coordinator", "moderator"})  # P20


def role_names() -> dict[str, str]:
    """Every role and its name in the reader's language: the core's in their order, then the plugins'."""
    of_plugins = {role.name: role.title for role in loaded().roles.values()}
    return {name: str(title) for name, title in {**of_plugins, **ROLE_NAMES}.items()}


def role_name(role: str) -> str:
    """A role in the reader's language; its bare name when the plugin that brought it is gone."""
    return role_names().get(role, role)


def choices(roles: Collection[str]) -> dict[str, str]:
    """Roles and their names, for a form."""
    return {role: role_name(role) for role in roles}


def site_grants() -> tuple[str, ...]:
    """Roles with the Alliance that an operator grants alone: moderators, and what plugins leave to operators."""
    return ("moderator", *(r.name for r in loaded().roles.values() if r.granted_by == "operator"))


def is_staff_role(role: str) -> bool:
    """Whether a role is staff's: it ends after a year, and asks for more at sign-in."""
    of_plugin = loaded().roles.get(role)
    return role in STAFF_ROLES or (of_plugin is not None and of_plugin.staff)


def watches(role: str) -> bool:
    """Whether a role watches over agencies: never together with a role on an agency's side."""
    return role in WATCHING_ROLES or (role not in AGENCY_ROLES and is_staff_role(role))


def capacity(viewer: Viewer, standing: Membership | None) -> str:
    """In which capacity somebody acts at an agency; the most restrictive one she holds (H7)."""
    if standing and standing.is_agency:
        return "agency"
    if standing and "coordinator" in standing.roles:
        return "coordinator"
    if "operator" in viewer.site_roles:
        return "operator"
    if standing and standing.is_peer and not viewer.is_agency_staff:
        return "peer"
    return "member" if standing else ""


def may_invite(viewer: Viewer, standing: Membership | None) -> tuple[str, ...]:
    """Roles that this person may invite somebody into: the ceiling (A10)."""
    acts = capacity(viewer, standing)
    if acts == "agency":
        is_manager = standing is not None and "agency_manager" in standing.roles
        return ("model", "new_face", "booker") if is_manager else ("model", "new_face")
    if acts == "coordinator":
        return ("model", "new_face", "guardian")
    return ("agency_manager", "coordinator", "model", "new_face") if acts == "operator" else ()


def may_grant(viewer: Viewer, standing: Membership | None) -> tuple[str, ...]:
    """Roles at an agency that this person may grant (P19, P20)."""
    acts = capacity(viewer, standing)
    if acts == "coordinator":
        return ("mentor",)
    return ("agency_manager", "booker", "coordinator") if acts == "operator" else ()


def may_end(viewer: Viewer, standing: Membership | None) -> tuple[str, ...]:
    """Roles at an agency that this person may end while the membership goes on."""
    granted = may_grant(viewer, standing)
    return (*granted, "mentor") if "coordinator" in granted else granted


def may_remove(viewer: Viewer, standing: Membership | None, roles: Collection[str]) -> bool:
    """Whether somebody with these roles may be removed (P14). Nobody removes who watches over them."""
    acts, held = capacity(viewer, standing), set(roles)
    if acts == "operator":
        return True
    if acts == "coordinator":
        return held <= PEER_ROLES
    if acts == "agency" and standing and "agency_manager" in standing.roles:
        return held <= PEER_ROLES | {"booker"}
    return acts == "agency" and held <= PEER_ROLES


def may_vouch(viewer: Viewer, standing: Membership | None) -> bool:
    """Say that a new member is genuine: the coordinator, or a confirmed adult peer (H6)."""
    acts = capacity(viewer, standing)
    return acts == "coordinator" or (acts == "peer" and not viewer.is_minor)


def is_conflict(role: str, held: Collection[str]) -> bool:
    """Whether this role must not be held together with those: agency side and watching side."""
    if role in AGENCY_ROLES:
        return any(watches(other) for other in held)
    return watches(role) and bool(AGENCY_ROLES & set(held))


def needs_adult(role: str) -> bool:
    """Whether only somebody of eighteen and more holds this role."""
    return role not in MEMBER_ROLES


# --- what routes need --------------------------------------------------------------------------


def belongs(viewer: Viewer, standing: Membership | None) -> bool:
    """Holds any role at this agency."""
    return standing is not None


def sees_members(viewer: Viewer, standing: Membership | None) -> bool:
    """Agency, coordinator, peers, and (staff rows only) an operator."""
    return capacity(viewer, standing) in ("agency", "coordinator", "operator", "peer")


def manages_members(viewer: Viewer, standing: Membership | None) -> bool:
    """Ends memberships here (P14)."""
    return capacity(viewer, standing) in ("agency", "coordinator", "operator")


def grants_here(viewer: Viewer, standing: Membership | None) -> bool:
    """Grants or ends at least one role here."""
    return bool(may_grant(viewer, standing))


def invites_here(viewer: Viewer, standing: Membership | None) -> bool:
    """Invites into at least one role here."""
    return bool(may_invite(viewer, standing))


def switches_here(viewer: Viewer, standing: Membership | None) -> bool:
    """The agency's manager, and an operator (P64, P67)."""
    acts = capacity(viewer, standing)
    return acts == "operator" or (
        acts == "agency" and standing is not None and "agency_manager" in standing.roles
    )


def reads_log(viewer: Viewer, standing: Membership | None) -> bool:
    """What the agency did is open to everybody it concerns (P90)."""
    return standing is not None or "operator" in viewer.site_roles


def is_coordinator(viewer: Viewer, standing: Membership | None) -> bool:
    """Coordinates at this agency and holds no role on its side."""
    return capacity(viewer, standing) == "coordinator"


def is_operator(viewer: Viewer, standing: Membership | None) -> bool:
    """Runs the site."""
    return "operator" in viewer.site_roles


def is_site_staff(viewer: Viewer, standing: Membership | None) -> bool:
    """Moderates or runs the site."""
    return bool(viewer.site_roles & {"moderator", "operator"})


def is_guardian(viewer: Viewer, standing: Membership | None) -> bool:
    """Is on record as a guardian."""
    return "guardian" in viewer.site_roles


register(
    Permission("agencies.show_agency", "Open the home of one's own agency", belongs),
    Permission("agencies.show_members", "See who belongs to one's agency", sees_members),
    Permission("agencies.remove_member", "End somebody's membership", manages_members),
    Permission("agencies.confirm_member", "Say that a new member is genuine", may_vouch),
    Permission("agencies.grant_roles", "Grant and end roles at an agency", grants_here, sensitive=True),
    Permission("agencies.invite", "Invite people to an agency", invites_here),
    Permission("agencies.show_plugins", "See what an agency has switched on", reads_log),
    Permission("agencies.switch_plugins", "Switch parts on and off for an agency", switches_here),
    Permission("agencies.read_log", "Read what was done in the name of an agency", reads_log),
    Permission(
        "agencies.end_guardianship", "End a guardian's link to a child", is_coordinator, sensitive=True
    ),
    Permission("agencies.list_agencies", "See every agency and open one", is_operator),
    Permission("agencies.join", "Join by an invite or ask to join", anyone, signed_in=False),
    Permission("agencies.decide_applications", "Approve or decline people who ask to join", is_site_staff),
    Permission("agencies.show_person", "Open a profile", anyone),
    Permission(
        "agencies.suspend_person", "Suspend somebody for up to seven days", is_site_staff, sensitive=True
    ),
    Permission(
        "agencies.grant_site_roles", "Grant and end roles with the Alliance", is_operator, sensitive=True
    ),
    Permission("agencies.guard_child", "Consent for one's own child", is_guardian),
)
