"""Shapes of the board forms. The limits are the actions'; the browser only helps."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, HiddenField, RadioField, SearchField, StringField, TextAreaField
from wtforms.validators import Length

from forum.boards.actions import TITLE_LIMIT
from forum.markup import LIMIT
from forum.pages import Form, needed

TOO_LONG = _("This is longer than %(max)d characters.")
NEED_TITLE = _("Write a title.")
NEED_BODY = _("Write something first.")


class TopicForm(Form):
    """A topic's title and first post."""

    title = StringField(_("Title"), [needed(NEED_TITLE), Length(max=TITLE_LIMIT, message=TOO_LONG)])
    body = TextAreaField(_("Your words"), [needed(NEED_BODY), Length(max=LIMIT, message=TOO_LONG)])


class ReplyForm(Form):
    """An answer."""

    body = TextAreaField(_("Your answer"), [needed(NEED_BODY), Length(max=LIMIT, message=TOO_LONG)])


class EditForm(ReplyForm):
    """A changed post, and the version it was changed from."""

    version = HiddenField()


class ButtonForm(Form):
    """A button and nothing else."""


class BoardForm(Form):
    """A new board; who reads it cannot be changed later."""

    title = StringField(_("Title"), [needed(NEED_TITLE), Length(max=80)])
    about = StringField(_("What belongs here"), [Length(max=300)])
    audience = RadioField(_("Who can read it"), choices=[])


class SiteBoardForm(BoardForm):
    """A new board of the Alliance, which may be for its news alone."""

    read_only = BooleanField(_("For reading only: people who work for the Alliance write here"))


class SearchForm(Form):
    """What to look for."""

    q = SearchField(_("Search"), [Length(max=200)])
