"""The access table: every route of the core × every persona, and the rows of each plugin beside its tests."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.personas import BOARDS, STRANGERS
from tests.rows import (
    ALL,
    CORSO,
    HERE,
    MEMBERS,
    MINE,
    NOBODY,
    NORTHLIGHT,
    NORTHLIGHT_PEERS,
    OFFICE,
    READERS,
    WRITERS,
    Row,
    get,
    only,
    post,
)

__all__ = ["CORE_ROWS", "HERE", "MEMBERS", "MINE", "NORTHLIGHT_PEERS", "READERS", "ROWS", "WRITERS", "Row"]


def _board_rows() -> Iterator[Row]:
    for slug, (audience, _agency, _first, _second) in BOARDS.items():
        topic, board = f"/topics/{{s.topics[{slug}]}}", f"/boards/{slug}"
        readers, writers = READERS[slug], WRITERS[slug]
        public = {"strangers": "missing"}
        yield get("boards.show_board", board, **public, page=readers)  # type: ignore[arg-type]
        yield get("boards.show_topic", topic, **public, done=readers)  # type: ignore[arg-type]
        yield get("boards.show_topic", f"{topic}-{{s.slugs[{slug}]}}", **public, page=readers)  # type: ignore[arg-type]
        yield get("boards.show_unread", f"{topic}/unread", **public, done=readers)  # type: ignore[arg-type]
        yield get("boards.show_post", f"/posts/{{s.posts[{slug} 1]}}", **public, done=readers)  # type: ignore[arg-type]
        yield get("boards.show_feed", f"{board}/feed", **public, page=ALL if audience == "public" else NOBODY)  # type: ignore[arg-type]
        yield get("boards.create_topic", f"{board}/new", page=writers)
        yield post("boards.create_topic", f"{board}/new", {"title": MINE, "body": MINE}, done=writers)
        yield post("boards.create_topic", f"{board}/new", {"title": "", "body": MINE}, again=writers)
        yield post("boards.reply", f"{topic}/reply", {"body": MINE}, done=writers)


_AGENCY = (
    get("agencies.show_agency", "/a/northlight", page=NORTHLIGHT),
    get("agencies.show_agency", "/a/corso", page=CORSO),
    get("agencies.show_members", "/a/northlight/members", page=NORTHLIGHT_PEERS | OFFICE | {"clea", "omar"}),
    get("agencies.show_members", "/a/corso/members", page=CORSO | {"omar"}),
    post("agencies.confirm_member", "/a/northlight/members/una/confirm", done=only("clea", "mbali", "ines")),
    post("agencies.confirm_member", "/a/northlight/members/ana/confirm"),
    post("agencies.confirm_member", "/a/northlight/members/tomas/confirm"),
    get("agencies.show_roles", "/a/northlight/members/ines/roles", page=only("clea", "omar")),
    get("agencies.show_roles", "/a/northlight/members/tomas/roles"),
    post("agencies.show_roles", "/a/northlight/members/ines/roles", {"role": "mentor"}, done=only("clea"), again=only("omar")),
    post("agencies.show_roles", "/a/northlight/members/ines/roles", {"role": "booker"}, done=only("omar"), again=only("clea")),
    post("agencies.end_role", "/a/northlight/members/mbali/roles/mentor/end", done=only("clea", "omar")),
    post("agencies.end_role", "/a/northlight/members/bea/roles/booker/end", done=only("omar")),
    post("agencies.end_role", "/a/northlight/members/mbali/roles/model/end"),
    get("agencies.remove_member", "/a/northlight/members/{s.memberships[una]}/remove", page=OFFICE | {"clea", "omar"}),
    get("agencies.remove_member", "/a/northlight/members/{s.memberships[bea]}/remove", page=only("ruth", "omar")),
    get("agencies.remove_member", "/a/northlight/members/{s.memberships[ruth]}/remove", page=only("omar")),
    get("agencies.remove_member", "/a/northlight/members/{s.memberships[clea]}/remove", page=only("omar")),
    get("agencies.remove_member", "/a/northlight/members/{s.memberships[tomas]}/remove"),
    get("agencies.remove_member", "/a/northlight/members/{s.memberships[eve]}/remove"),
    post(
        "agencies.remove_member", "/a/northlight/members/{s.memberships[mbali]}/remove", {"reason": "She asked for it"},
        done=OFFICE | {"clea", "omar"},
    ),
    post("agencies.remove_member", "/a/northlight/members/{s.memberships[mbali]}/remove", {"reason": ""}, again=OFFICE | {"clea", "omar"}),
    get("switching.show_plugins", "/a/northlight/plugins", page=NORTHLIGHT | {"omar"}),
    post("switching.switch_plugin", "/a/northlight/plugins/resources/switch", {"on": "no"}, done=only("ruth", "omar")),
    post("switching.switch_plugin", "/a/northlight/plugins/nothing/switch", {"on": "no"}),
    get("switching.show_settings", "/a/northlight/plugins/resources/settings"),  # it has none
    post("switching.show_settings", "/a/northlight/plugins/resources/settings"),
    get("agencies.show_log", "/a/northlight/log", page=NORTHLIGHT | {"omar"}),
    get("agencies.show_log", "/a/corso/log", page=CORSO | {"omar"}),
    get("agencies.show_agencies", "/agencies", page=only("omar")),
    post("agencies.show_agencies", "/agencies", {"name": "Orme", "slug": "orme"}, done=only("omar")),
    get("boards.create_agency_board", "/a/northlight/boards", page=only("ruth", "clea", "omar")),
    post(
        "boards.create_agency_board", "/a/northlight/boards", {"title": MINE, "about": "", "audience": "agency"},
        done=only("ruth", "clea", "omar"),
    ),
    post(
        "boards.create_agency_board", "/a/northlight/boards", {"title": MINE, "about": "", "audience": "peer"},
        done=only("clea", "omar"), again=only("ruth"),
    ),
    get("joining.show_invites", "/a/northlight/invites", page=OFFICE | {"clea", "omar"}),
    get("joining.show_invites", "/a/corso/invites", page=only("rosa", "carl", "omar")),
    post("joining.show_invites", "/a/northlight/invites", {"legal_name": MINE, "role": "model"}, done=OFFICE | {"clea", "omar"}),
    post("joining.show_invites", "/a/northlight/invites", {"legal_name": MINE, "role": "booker"}, done=only("ruth"), again=only("bea", "clea", "omar")),
    post("joining.show_invites", "/a/northlight/invites", {"legal_name": MINE, "role": "coordinator"}, done=only("omar"), again=OFFICE | {"clea"}),
    post("joining.revoke_invite", "/a/northlight/invites/{s.invites[northlight]}/revoke", done=only("ruth", "clea")),
    post("joining.revoke_invite", "/a/northlight/invites/{s.invites[corso]}/revoke"),
    post("joining.revoke_invite", "/a/corso/invites/{s.invites[corso]}/revoke", done=only("rosa", "carl")),
    post("guardians.end_guardianship", "/a/northlight/guardianships/{s.guardianships[olena]}/end", done=only("clea")),
    post("guardians.end_guardianship", "/a/corso/guardianships/{s.guardianships[olena]}/end"),
)  # fmt: skip

_ACCOUNT = (
    get("accounts.sign_in", "/sign-in", page=STRANGERS, done=HERE),
    post("accounts.sign_in", "/sign-in", {"email": "nobody@example.org", "password": MINE}, again=ALL),
    get("accounts.sign_out", "/sign-out", page=ALL),
    post("accounts.sign_out", "/sign-out", done=ALL),
    get("accounts.confirm_password", "/confirm", page=HERE),
    post("accounts.confirm_password", "/confirm", {"password": MINE}, again=HERE),
    get("accounts.ask_reset", "/reset", page=ALL),
    post("accounts.ask_reset", "/reset", {"email": "nobody@example.org"}, done=ALL),
    get("accounts.show_reset_sent", "/reset/sent", page=ALL),
    get("accounts.use_reset", "/reset/{s.links[reset]}", page=ALL),
    get("accounts.use_reset", "/reset/{s.links[address]}", gone=ALL),
    post("accounts.use_reset", "/reset/{s.links[reset]}", {"password": "seven plain wooden spoons"}, done=ALL),
    get("accounts.show_account", "/account", page=HERE),
    post(
        "accounts.show_account", "/account",
        {"display_name": "Mine", "about": MINE, "locale": "en", "timezone": "Europe/Rome"}, done=HERE,
    ),
    get("accounts.change_password", "/account/password", page=HERE),
    post("accounts.change_password", "/account/password", {"current_password": MINE, "new_password": MINE}, again=HERE),
    get("accounts.change_address", "/account/address", page=HERE),
    post("accounts.change_address", "/account/address", {"email": "new@example.org"}, done=HERE),
    get("accounts.use_address", "/account/address/{s.links[address]}", page=ALL),
    post("accounts.use_address", "/account/address/{s.links[address]}", done=ALL),
    get("accounts.use_address", "/account/address/{s.links[reset]}", gone=ALL),
    get("accounts.show_devices", "/account/devices", page=HERE),
    post("accounts.end_device", "/account/devices/{s.sign_ins[ana]}/end", done=only("ana")),
    post("accounts.end_other_devices", "/account/devices/end-others", done=HERE),
    get("accounts.export_own", "/account/export", page=HERE),
    post("accounts.export_own", "/account/export", page=HERE),
    get("accounts.delete_own", "/account/delete", page=HERE),
    post("accounts.delete_own", "/account/delete", {"sure": "y"}, done=HERE),
    post("accounts.delete_own", "/account/delete", again=HERE),
    get("accounts.keep_own", "/account/keep/{s.links[keep]}", page=ALL),
    post("accounts.keep_own", "/account/keep/{s.links[keep]}", done=ALL),
    get("accounts.keep_own", "/account/keep/{s.links[reset]}", gone=ALL),
    get("leave.show_leave", "/leave", done=ALL),
    post("leave.leave", "/leave", done=ALL),
    get("leave.show_about", "/leave/about", page=ALL),
)  # fmt: skip

_PEOPLE = (
    get("people.show_person", "/people/ines", page=NORTHLIGHT_PEERS | {"clea", "maud", "tomas", "eve"}),
    get("people.show_person", "/people/ana", page=NORTHLIGHT_PEERS | {"clea", "maud"}),
    get("people.show_person", "/people/una", page=NORTHLIGHT_PEERS | {"una", "clea", "maud"}),
    get("people.show_person", "/people/clea", page=NORTHLIGHT_PEERS | {"clea", "una", "maud", "tomas", "eve"}),
    get("people.show_person", "/people/ruth", page=NORTHLIGHT_PEERS | {"ruth", "una", "clea", "maud", "tomas", "eve"}),
    get("people.show_person", "/people/olena", page=only("olena", "maud")),
    get("people.show_person", "/people/vic", page=only("vic", "maud")),
    get("people.show_person", "/people/sol", page=NORTHLIGHT_PEERS | {"clea", "maud", "tomas", "eve"}),
    get("people.show_person", "/people/lea"),
    get("people.show_person", "/people/nobody-at-all"),
    get("people.suspend", "/people/ines/suspend", page=only("maud", "omar")),
    post("people.suspend", "/people/ines/suspend", {"days": "3", "reason": "Because of this"}, done=only("maud", "omar")),
    post("people.suspend", "/people/ruth/suspend", {"days": "3", "reason": "Because of this"}, done=only("omar"), again=only("maud")),
    post("people.suspend", "/people/ines/suspend", {"days": "8", "reason": "Because of this"}, again=only("maud", "omar")),
    post("people.lift_suspension", "/people/sol/suspend/lift", done=only("maud", "omar")),
    post("people.lift_suspension", "/people/ines/suspend/lift"),
    get("people.show_roles", "/people/ines/roles", page=only("omar")),
    post("people.show_roles", "/people/joan/roles", {"role": "moderator"}, done=only("omar")),
    post("people.show_roles", "/people/joan/roles", {"role": "operator"}, again=only("omar")),
    post("people.end_role", "/people/maud/roles/moderator/end", done=only("omar")),
    post("people.end_role", "/people/joan/roles/advocate/end"),
    get("guardians.show_children", "/guardian", page=only("olena")),
    post("guardians.consent", "/guardian/dasha/consent"),  # it is given already
    post("guardians.withdraw", "/guardian/dasha/withdraw", done=only("olena")),
    post("guardians.withdraw", "/guardian/ana/withdraw"),
    post("guardians.end_sign_ins", "/guardian/dasha/end-sign-ins", done=only("olena")),
    post("guardians.end_sign_ins", "/guardian/ana/end-sign-ins"),
    get("joining.apply", "/join", page=STRANGERS, done=HERE),
    post(
        "joining.apply", "/join",
        {"email": "new@example.org", "display_name": "Newe", "password": "seven plain wooden spoons",
         "born": "2000-02-03", "locale": "en", "application": MINE}, done=ALL,
    ),
    get("joining.join", "/join/{s.links[invite northlight]}", page=ALL),
    post(
        "joining.join", "/join/{s.links[invite northlight]}",
        {"email": "new@example.org", "display_name": "Newe", "password": "seven plain wooden spoons",
         "born": "2000-02-03", "locale": "en"}, done=STRANGERS, said=HERE,  # a form of accounts has no such fields
    ),
    get("joining.join", "/join/no-such-code", gone=ALL),
    get("joining.show_sent", "/join/sent", page=ALL),
    get("joining.finish", "/join/finish/{s.links[finish]}", page=ALL),
    get("joining.finish", "/join/finish/no-such-token", gone=ALL),
    post("joining.finish", "/join/finish/{s.links[finish]}", {"password": "not the one"}, again=ALL),
    get("joining.show_applications", "/applications", page=only("maud", "omar")),
    get("joining.show_application", "/applications/vic", page=only("maud", "omar")),
    get("joining.show_application", "/applications/ines"),
    post("joining.approve_application", "/applications/vic/approve", {"reason": "We know him"}, done=only("maud", "omar")),
    post("joining.decline_application", "/applications/vic/decline", {"reason": "We know him"}, done=only("maud", "omar")),
    post("joining.decline_application", "/applications/vic/decline", {"reason": ""}, again=only("maud", "omar")),
)  # fmt: skip

_REST = (
    get("home.show_home", "/", page=ALL),
    get("boards.show_boards", "/boards", page=ALL),
    get("boards.create_site_board", "/boards/new", page=only("omar")),
    post("boards.create_site_board", "/boards/new", {"title": MINE, "about": "", "audience": "members"}, done=only("omar")),
    get("boards.show_topic", "/topics/{s.topics[locked]}-{s.slugs[locked]}", strangers="missing", page=MEMBERS),
    post("boards.reply", "/topics/{s.topics[locked]}/reply", {"body": MINE}, again=MEMBERS),
    get("boards.show_topic", "/topics/{s.topics[gone]}-{s.slugs[gone]}", strangers="missing"),
    post("boards.reply", "/topics/{s.topics[gone]}/reply", {"body": MINE}),
    get("boards.show_post", "/posts/{s.posts[gone 1]}", strangers="missing"),
    get("boards.show_post", "/posts/{s.posts[down]}", strangers="missing", done=MEMBERS),
    get("boards.edit_post", "/posts/{s.posts[spare]}/edit", page=only("ines")),
    get("boards.edit_post", "/posts/{s.posts[castings 2]}/edit", page=only("ana")),
    get("boards.edit_post", "/posts/{s.posts[down]}/edit"),
    post("boards.edit_post", "/posts/{s.posts[spare]}/edit", {"body": MINE, "version": "1"}, done=only("ines")),
    get("boards.show_history", "/posts/{s.posts[edited]}/history", page=only("ines")),
    post("boards.delete_post", "/posts/{s.posts[spare]}/delete", done=only("ines")),
    post("boards.delete_post", "/posts/{s.posts[corso-peer 1]}/delete", done=only("tomas")),
    post("boards.restore_post", "/posts/{s.posts[down]}/restore", done=only("ines")),
    get("search.show_search", "/search?q=words", page=ALL),
    get("notifications.show_notifications", "/notifications", page=HERE),
    post("notifications.mark_read", "/notifications/read", done=HERE),
    get("health.show_live", "/healthz", page=ALL),
    get("health.show_ready", "/readyz", page=ALL),
    get("static", "/static/callboard.css", page=ALL),
    get("files.show_file", "/files/00000000000000000000000000000000.webp", strangers="missing"),
)  # fmt: skip


def _plugin_rows() -> Iterator[Row]:
    """The rows that stand beside the tests of each plugin."""
    for path in sorted(Path(__file__).parent.glob("plugins/*/access.py")):
        yield from importlib.import_module(f"tests.plugins.{path.parent.name}.access").ROWS


CORE_ROWS: tuple[Row, ...] = (*_board_rows(), *_AGENCY, *_ACCOUNT, *_PEOPLE, *_REST)
ROWS: tuple[Row, ...] = (*CORE_ROWS, *_plugin_rows())
