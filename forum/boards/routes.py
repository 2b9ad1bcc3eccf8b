"""Pages of boards, topics, posts and search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, make_response, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Row
from werkzeug.wrappers import Response

from forum import formats, pages, search, slots
from forum.agencies.queries import agency_by_slug
from forum.boards import actions, finding, forms, queries, rules
from forum.permissions import Missing, needs
from forum.viewer import Viewer, current_viewer

bp = Blueprint("boards", __name__)
search_bp = Blueprint("search", __name__)
Answer = Response | tuple[str, int]
RESULTS = 20
LABELS = {
    "read only": _("For reading"),
    "public": _("Open to everyone"),
    "everyone": _("With an account"),
    "members": _("Members only"),
    "peer": _("Models only"),
    "agency": _("Your agency reads this"),
}
CHOICES = {
    "agency": _("Models and the agency"),
    "peer": _("Confirmed models only, nobody from the agency"),
    "members": _("Members of the Alliance, nobody from an agency"),
    "everyone": _("Everyone with an account"),
    "public": _("Everyone, also without signing in"),
}
search.register(search.SearchProvider("boards", finding.find_posts))


# --- boards ------------------------------------------------------------------------------------


@bp.get("/boards")
@needs("boards.read")
def show_boards() -> Answer:
    """Every board the viewer reads, by place."""
    viewer = current_viewer()
    return pages.page("boards/show_boards.html", groups=grouped(viewer, queries.visible_boards(viewer)))


@dataclass(frozen=True)
class Group:
    """The boards of one place."""

    title: str
    agency_name: str | None
    boards: list[dict[str, Any]]


def grouped(viewer: Viewer, rows: Sequence[Row]) -> list[Group]:
    """Boards under the heading of their agency, the Alliance's first."""
    groups: dict[str | None, Group] = {}
    for row in rows:
        title = row.agency_name or gettext("The Alliance")
        group = groups.setdefault(row.agency_name, Group(title, row.agency_name, []))
        group.boards.append(_board_line(viewer, row))
    return list(groups.values())


def _board_line(viewer: Viewer, row: Row) -> dict[str, Any]:
    return {
        "title": row.title, "url": f"/boards/{row.slug}", "about": row.about,
        "audience_label": audience_label(row), "topic_count": row.topic_count, "last_title": row.last_title,
        "last_url": f"/topics/{row.last_id}-{row.last_slug}" if row.last_id else None, "last_at": row.last_post_at,
        "unread": is_new(viewer, row),
    }  # fmt: skip


def is_new(viewer: Viewer, board: Row) -> bool:
    """Whether something was posted since the viewer last looked at the board's list."""
    newest = board.last_post_at
    return bool(viewer.signed_in and newest and (board.seen_at is None or newest > board.seen_at))


def audience_label(board: Any) -> str:
    """Two or three words on who reads a board."""
    return str(LABELS["read only" if board.read_only else board.audience])


@bp.get("/boards/<slug>")
@needs("boards.read")
def show_board(slug: str) -> Answer:
    """The topics of one board."""
    viewer = current_viewer()
    board = queries.board_by_slug(viewer, slug)
    after = request.args.get("after")
    topics, on = queries.topics_of_board(viewer, board.id, after)
    url = f"/boards/{board.slug}"
    answer = make_response(
        pages.page(
            "boards/show_board.html", board=board_facts(viewer, board), topics=[_topic_line(t) for t in topics],
            older_url=f"{url}?after={on}" if on else None, newer_url=url if after else None,
        )
    )  # fmt: skip
    if viewer.person_id and is_new(viewer, board) and not after and not is_unseen():
        person_id, app, board_id = viewer.person_id, real_app(), board.id
        answer.call_on_close(lambda: actions.mark_board_seen_later(app, person_id, board_id))
    return answer


def board_facts(viewer: Viewer, board: Any) -> dict[str, Any]:
    """What the pages say about a board."""
    slots.stand_at(board.agency_id)
    return {
        "id": board.id, "title": board.title, "about": board.about, "url": f"/boards/{board.slug}",
        "who_can_read": rules.who_can_read(board, board.agency_name or ""),
        "can_post": rules.may_write(viewer, board), "new_url": f"/boards/{board.slug}/new",
        "public": board.scope == "public", "read_only": board.read_only,
        "feed_url": f"/boards/{board.slug}/feed" if board.scope == "public" else None,
    }  # fmt: skip


def _topic_line(row: Row) -> dict[str, Any]:
    url = f"/topics/{row.id}-{row.slug}"
    return {
        "title": row.title, "url": url, "unread_url": f"/topics/{row.id}/unread",
        "author": row.author or gettext("Somebody who left"), "reply_count": row.post_count - 1,
        "last_at": row.last_post_at, "last_author": row.last_author or gettext("somebody who left"),
        "pinned": row.pinned, "locked": row.locked_at is not None,
        "unread": row.post_count - (row.read_number or 0),
    }  # fmt: skip


@bp.route("/boards/<slug>/new", methods=["GET", "POST"])
@needs("boards.write")
def create_topic(slug: str) -> Answer:
    """Open a topic."""
    viewer = current_viewer()
    board = queries.board_by_slug(viewer, slug)
    if not rules.may_write(viewer, board):
        raise Missing
    form = forms.TopicForm()

    def step() -> str:
        topic = actions.open_topic(viewer, slug, form.title.data, form.body.data)
        return f"/topics/{topic.id}-{topic.slug}"

    return pages.carry_out(form, step) or pages.page(
        "boards/create_topic.html", form, board=board_facts(viewer, board)
    )


@bp.get("/boards/<slug>/feed")
@needs("boards.read")
def show_feed(slug: str) -> Response:
    """The newest topics of a public board, as Atom. No other board has a feed."""
    board = queries.board_by_slug(current_viewer(), slug)
    if board.scope != "public":
        raise Missing
    base = actions.settings().base_url
    entries = [
        formats.Entry(
            id=f"{base}/topics/{row.id}", title=row.title, url=f"{base}/topics/{row.id}-{row.slug}",
            updated=row.created_at, author=row.author or gettext("Somebody who left"), html=row.html,
        )
        for row in queries.newest_public_posts(board.id)
    ]  # fmt: skip
    url = f"{base}/boards/{board.slug}"
    feed = formats.Feed(url, board.title, url, f"{url}/feed", entries)
    return Response(formats.atom(feed), mimetype="application/atom+xml")


@bp.route("/a/<agency>/boards", methods=["GET", "POST"])
@needs("boards.create_for_agency")
def create_agency_board(agency: str) -> Answer:
    """Make a board of an agency; the choice of readers depends on who makes it."""
    viewer = current_viewer()
    place = agency_by_slug(viewer, agency)
    allowed = [a for a in ("agency", "peer") if rules.may_create_board(viewer, a, place.id)]
    return _create_board(viewer, forms.BoardForm(), allowed, place.id, place.name)


@bp.route("/boards/new", methods=["GET", "POST"])
@needs("boards.create_for_site")
def create_site_board() -> Answer:
    """Make a board of the Alliance."""
    return _create_board(current_viewer(), forms.SiteBoardForm(), ["members", "everyone", "public"], None, "")


def _create_board(
    viewer: Viewer, form: forms.BoardForm, audiences: list[str], agency_id: int | None, agency_name: str
) -> Answer:
    form.audience.choices = [(a, audience_choice(a)) for a in audiences]

    def step() -> str:
        read_only = isinstance(form, forms.SiteBoardForm) and form.read_only.data
        board = actions.create_board(
            viewer, form.title.data, form.about.data or "", form.audience.data, agency_id, read_only=read_only
        )
        pages.say(gettext("The board is there."))
        return f"/boards/{board.slug}" if board.scope in viewer.scopes else url_for("boards.show_boards")

    return pages.carry_out(form, step) or pages.page("boards/create_board.html", form, agency=agency_name)


def audience_choice(audience: str) -> str:
    """The words of one choice of readers."""
    return str(CHOICES[audience])


# --- topics ------------------------------------------------------------------------------------


@bp.get("/topics/<id:topic_id>")
@bp.get("/topics/<id:topic_id>-<slug>", endpoint="show_topic")
@needs("boards.read")
def show_topic(topic_id: int, slug: str = "") -> Answer:
    """A page of a topic."""
    viewer = current_viewer()
    topic = queries.topic_by_id(viewer, topic_id)
    page = pages.positive(request.args.get("page")) or 1
    if slug != topic.slug:
        return redirect(f"/topics/{topic.id}-{topic.slug}" + (f"?page={page}" if page > 1 else ""), 301)
    return topic_page(viewer, topic, page, forms.ReplyForm())


def topic_page(viewer: Viewer, topic: Row, page: int, form: forms.ReplyForm) -> Answer:
    """Render a page of a topic; note afterwards how far it was read."""
    last_page = queries.page_of(topic.post_count)
    if page > last_page:
        raise Missing
    posts = queries.posts_of_page(viewer, topic, page)
    url = f"/topics/{topic.id}-{topic.slug}"
    unread = first_new(viewer, topic)
    answer = make_response(
        pages.page(
            "boards/show_topic.html", form, topic=topic_facts(viewer, topic), posts=post_lines(viewer, topic, posts),
            page=page, pages=last_page, pager_links=pager_links(url, page, last_page), first_unread_number=unread,
            footers=slots.row_slots("post_footer", [post.id for post in posts]),
        )
    )  # fmt: skip
    if posts and unread and posts[-1].number >= unread and not is_unseen():
        mark = (real_app(), viewer.person_id or 0, topic.id, posts[-1].number)
        answer.call_on_close(lambda: actions.mark_topic_read_later(*mark))
    return answer


def first_new(viewer: Viewer, topic: Row) -> int | None:
    """The number of the first post the viewer has not read; None when signed out or all is read."""
    read = topic.read_number or 0
    return read + 1 if viewer.signed_in and read < topic.post_count else None


def topic_facts(viewer: Viewer, topic: Row) -> dict[str, Any]:
    """What the page says about a topic."""
    can_reply = topic.locked_at is None and rules.may_write(viewer, topic)
    slots.stand_at(topic.agency_id)
    return {
        "board_id": topic.board_id,
        "title": topic.title, "url": f"/topics/{topic.id}-{topic.slug}", "board_title": topic.board_title,
        "board_url": f"/boards/{topic.board_slug}", "locked": topic.locked_at is not None,
        "pinned": topic.pinned, "who_can_read": rules.who_can_read(topic, topic.agency_name or ""),
        "can_reply": can_reply, "reply_url": f"/topics/{topic.id}/reply",
        "reply_refusal": None if can_reply else reply_refusal(viewer, topic),
    }  # fmt: skip


def reply_refusal(viewer: Viewer, topic: Row) -> str:
    """Why there is no answer box."""
    if not viewer.signed_in:
        return gettext("Members can answer here.")
    if topic.locked_at is not None:
        return gettext("This topic is closed. It can be read, not answered.")
    return gettext("You can read here, not write.")


@dataclass(slots=True)
class PostLine:
    """A post as the page shows it; addresses are made here, once, not in the template."""

    id: int
    number: int
    author: str
    author_url: str | None
    author_role: str
    is_own: bool
    created_at: Any
    edited: bool
    html: Markup
    url: str
    edit_url: str | None
    delete_url: str | None
    history_url: str | None
    restore_url: str | None
    deleted: bool


def post_lines(viewer: Viewer, topic: Row, posts: Sequence[Row]) -> list[PostLine]:
    """Posts for the page. Names lead to profiles inside one's own agency only (P05)."""
    gone, labels = gettext("Somebody who left"), role_labels()
    own_agency = not viewer.is_agency_staff and any(
        m.agency_id == topic.agency_id and (m.is_peer or "coordinator" in m.roles) for m in viewer.agencies
    )
    writable = topic.locked_at is None
    return [_post_line(p, p.author_id == viewer.person_id and viewer.signed_in, own_agency, writable, gone, labels)
            for p in posts]  # fmt: skip


def _post_line(
    row: Row, own: bool, own_agency: bool, writable: bool, gone: str, labels: dict[str, str]
) -> PostLine:
    url, deleted = f"/posts/{row.id}", row.deleted_at is not None
    return PostLine(
        id=row.id, number=row.number, author=row.author or gone, is_own=own, created_at=row.created_at,
        author_url=f"/people/{row.handle}" if own_agency and row.handle else None,
        author_role=labels.get(row.author_role, ""), edited=row.edited_at is not None and not deleted,
        html=Markup(row.html) if not deleted else Markup(""), url=url,
        edit_url=f"{url}/edit" if own and writable and not deleted else None,
        delete_url=f"{url}/delete" if own and not deleted else None,
        history_url=f"{url}/history" if own and row.edited_at is not None else None,
        restore_url=f"{url}/restore" if own and deleted else None, deleted=deleted,
    )  # fmt: skip


def role_labels() -> dict[str, str]:
    """The words beside an author's name."""
    return {
        "agency": gettext("Agency"),
        "coordinator": gettext("Coordinator"),
        "moderator": gettext("Moderation team"),
        "advocate": gettext("Advocate"),
        "operator": gettext("Alliance"),
        "mentor": gettext("Mentor"),
    }


@dataclass(frozen=True)
class PageLink:
    """A link of the pager."""

    number: int
    url: str
    current: bool


def pager_links(url: str, page: int, last: int) -> list[PageLink]:
    """First, last, and the neighbours of this page; nothing for a single page."""
    near = {n for n in (1, page - 1, page, page + 1, last) if 1 <= n <= last}
    if last == 1:
        return []
    return [PageLink(n, url if n == 1 else f"{url}?page={n}", n == page) for n in sorted(near)]


@bp.get("/topics/<id:topic_id>/unread")
@needs("boards.read")
def show_unread(topic_id: int) -> Response:
    """Go to the first post not read yet; looked up now, not when the link was drawn."""
    topic = queries.topic_by_id(current_viewer(), topic_id)
    return redirect(address_of(topic.id, topic.slug, queries.first_unread(topic)), 303)


def address_of(topic_id: int, slug: str, number: int) -> str:
    """Page and anchor of a post."""
    page = queries.page_of(number)
    return f"/topics/{topic_id}-{slug}" + (f"?page={page}" if page > 1 else "") + f"#p{number}"


@bp.post("/topics/<id:topic_id>/reply")
@needs("boards.write")
def reply(topic_id: int) -> Answer:
    """Answer a topic."""
    viewer = current_viewer()
    topic = queries.topic_by_id(viewer, topic_id)
    if not rules.may_write(viewer, topic):
        raise Missing
    form = forms.ReplyForm()

    def step() -> str:
        post = actions.reply(viewer, topic_id, form.body.data)
        return address_of(topic.id, topic.slug, post.number)

    return pages.carry_out(form, step) or topic_page(viewer, topic, queries.page_of(topic.post_count), form)


# --- posts -------------------------------------------------------------------------------------


@bp.get("/posts/<id:post_id>")
@needs("boards.read")
def show_post(post_id: int) -> Response:
    """The lasting address of a post: goes to its page and anchor."""
    place = queries.post_place(current_viewer(), post_id)
    return redirect(address_of(place.topic_id, place.slug, place.number), 303)


@bp.route("/posts/<id:post_id>/edit", methods=["GET", "POST"])
@needs("boards.write")
def edit_post(post_id: int) -> Answer:
    """Change one's own post."""
    viewer = current_viewer()
    post, topic, board = queries.own_post(viewer, post_id)
    if post.deleted_at is not None or topic.locked_at is not None or not rules.may_write(viewer, board):
        raise Missing
    form = forms.EditForm(body=post.body, version=str(post.version))
    place = address_of(topic.id, topic.slug, post.number)

    def step() -> str:
        version = form.version.data or ""
        actions.edit_post(
            viewer, post_id, int(version) if version.isdecimal() and len(version) < 10 else 0, form.body.data
        )
        return place

    answer = pages.carry_out(form, step)
    if answer is not None:
        return answer
    stale = request.method == "POST" and form.version.data != str(post.version)
    form.version.data = str(post.version)  # a changed post is saved over only by sending again
    facts = queries.board_by_slug(viewer, board.slug)
    topic_shown = {
        "title": topic.title, "url": place, "who_can_read": rules.who_can_read(facts, facts.agency_name or ""),
        "board_title": board.title, "board_url": f"/boards/{board.slug}",
    }  # fmt: skip
    return pages.page(
        "boards/edit_post.html", form, post=post, topic=topic_shown, present=post.body if stale else ""
    )


@bp.get("/posts/<id:post_id>/history")
@needs("boards.write")
def show_history(post_id: int) -> Answer:
    """What one's own post said before."""
    post, topic, _board = queries.own_post(current_viewer(), post_id)
    versions = [
        {"number": v.version, "at": v.written_at, "html": Markup(v.html), "text": v.body}
        for v in queries.versions_of(post)
    ]
    place = address_of(topic.id, topic.slug, post.number)
    shown = {"number": post.number, "url": place, "topic_title": topic.title}
    return pages.page(
        "boards/show_history.html", post=shown, versions=versions, topic={"title": topic.title, "url": place}
    )


@bp.post("/posts/<id:post_id>/delete")
@needs("boards.write")
def delete_post(post_id: int) -> Answer:
    """Take one's own post away."""

    def step() -> str:
        actions.delete_post(current_viewer(), post_id)
        pages.say(gettext("Your post is taken down. You can put it back from where it stood."))
        return url_for("boards.show_post", post_id=post_id)

    return pressed(step)


@bp.post("/posts/<id:post_id>/restore")
@needs("boards.write")
def restore_post(post_id: int) -> Answer:
    """Put it back."""

    def step() -> str:
        actions.restore_post(current_viewer(), post_id)
        pages.say(gettext("Your post is back."))
        return url_for("boards.show_post", post_id=post_id)

    return pressed(step)


def pressed(step: pages.Step) -> Response:
    """A button's act. Errors: Missing when the form was malformed."""
    answer = pages.carry_out(forms.ButtonForm(), step)
    if answer is None:
        raise Missing
    return answer


# --- search ------------------------------------------------------------------------------------


@search_bp.get("/search")
@needs("search.read")
def show_search() -> Answer:
    """One box over everything the viewer reads."""
    form = forms.SearchForm(request.args)
    q = (form.q.data or "").strip()[:200]
    hits = search.find(q, current_viewer(), RESULTS, pages.positive(request.args.get("before"))) if q else []
    more = url_for("search.show_search", q=q, before=hits[-1].id) if len(hits) == RESULTS else None
    return pages.page("search/show_search.html", form, q=q, results=hits, more_url=more)


def is_unseen() -> bool:
    """Whether nobody sees this answer: a HEAD, or the browser only guesses that the page will be wanted."""
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    return request.method == "HEAD" or "prefetch" in purpose


def real_app() -> Any:
    """The application itself, for what is done after the answer."""
    return current_app._get_current_object()  # type: ignore[attr-defined]
