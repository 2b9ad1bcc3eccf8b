"""What every plugin must keep, kept by this one."""

from __future__ import annotations

import forum_resources.plugin
from forum import db
from forum.conformance import Conformance
from forum.declare import AgencyRef
from forum_resources.models import LocalListing


class TestResources(Conformance):
    """The listings of the site are about nobody; a listing of an agency's own has who added it."""

    hooks = forum_resources.plugin
    about_nobody = ("resources_organization", "resources_service", "resources_channel", "resources_report")

    def make_one(self, person_id: int, agency: AgencyRef, words: str) -> None:
        """A listing. Its words are the agency's and stay; who added it goes, so they are not marked."""
        db.db.session.add(
            LocalListing(
                agency_id=agency.id, added_by=person_id, name="A flat", contact="Its door", note="Any hour"
            )
        )
