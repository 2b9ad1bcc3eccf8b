"""Who gets what from the pages of forum_resources; joins the table in tests/access.py."""

from __future__ import annotations

from tests.rows import ALL, NORTHLIGHT, Row, get, only, post

EMERGENCY = "/resources/0fcc3ac6-314c-5458-b2a1-a0075f384fb4"
NOTHING = "/resources/00000000-0000-5000-8000-000000000000"
LOCAL = {"name": "The person with the keys", "contact": "+1 212 555 0142", "note": ""}

ROWS: tuple[Row, ...] = (
    get("resources.show_listings", "/resources", page=ALL),
    get("resources.show_listings", "/resources?topic=nothing", strangers="missing"),
    get("resources.show_help_now", "/resources/help-now", page=ALL),
    get("resources.show_text", "/resources/list.txt", page=ALL),
    get("resources.show_help_text", "/resources/help-now.txt", page=ALL),
    get("resources.show_listing", EMERGENCY, page=ALL),
    get("resources.show_listing", NOTHING, strangers="missing"),
    get("resources.show_reported", f"{EMERGENCY}/reported", page=ALL),
    post("resources.report_channel", f"{EMERGENCY}/channels/0/report", said=ALL),  # no browser says where it is from
    get("resources_local.show_local", "/a/northlight/resources", page=NORTHLIGHT),
    post("resources_local.show_local", "/a/northlight/resources", LOCAL, done=only("ruth", "clea")),
    post("resources_local.show_local", "/a/northlight/resources", {**LOCAL, "name": " "}, again=only("ruth", "clea")),
    post("resources_local.show_local", "/a/corso/resources", LOCAL, done=only("rosa", "carl")),
    post("resources_local.remove_local", "/a/northlight/resources/999/remove"),
)  # fmt: skip
