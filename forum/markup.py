"""Member text → safe HTML, and the cleaning that every text of a member gets.

The only file that knows the Markdown renderer, bleach and nh3. Text is rendered once, when it is
written. Nothing here reads the database or knows who is looking.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape, unescape
from urllib.parse import urlsplit

import bleach
import nh3
from flask_babel import gettext
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from forum.permissions import Refused

LIMIT = 20_000  # characters of one text; every rendering time is tested at this length
MAX_CELLS = 4_000  # table cells of one text; a row may leave its cells out, so few characters ask for many
MAX_TAGS = 6_000  # tags of one text; bleach takes a second for 10,000
MAX_MARKS = 10  # combining marks on one letter; no script in use needs more than five

INLINE_TAGS = frozenset({"br", "em", "strong", "s", "code", "a"})
BLOCK_TAGS = frozenset({"p", "ul", "ol", "li", "blockquote", "pre", "hr", "h3", "h4", "h5", "h6"})
TABLE_TAGS = frozenset({"table", "thead", "tbody", "tr", "th", "td"})
TAGS = INLINE_TAGS | BLOCK_TAGS | TABLE_TAGS
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
REL = "nofollow ugc noopener noreferrer"

# NUL and other controls except tab and newline, bidi embeddings, overrides and isolates, lone
# surrogates, BOM, interlinear annotation, non-characters, and the Hangul fillers, which count as
# letters: none is seen, all can deceive.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff"
    "\u115f\u1160\u3164\uffa0]"
)
_BLANK = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_NOT_SEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_NEWLINE = re.compile("\r\n|[\r\x85\u2028\u2029]")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`{}|\\^\[\]]+", re.IGNORECASE)
_INLINE = re.compile("</?(?:em|strong|s|code|a)(?: [^>]*)?>")
_TAG = re.compile("<[^>]*>")
_LINKLIKE = re.compile(r"\b(?:https?://|mailto:|www\.\w)", re.IGNORECASE)


def clean_text(text: str) -> str:
    """The text in NFC with plain newlines and without characters that cannot be seen.

    For bodies, titles and names alike. Left-to-right and right-to-left marks, joiners and every
    script stay. More than `MAX_MARKS` combining marks in a row are cut (and would take
    `unicodedata.normalize` quadratic time: 12 s for 100,000).
    """
    text = _UNSEEN.sub("", _NEWLINE.sub("\n", text))
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _without_towers(text))


def _without_towers(text: str) -> str:
    kept, height = [], 0
    for character in text:
        height = height + 1 if unicodedata.combining(character) else 0
        if height <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def seen(text: str) -> int:
    """How many characters of the text a reader sees: no spaces, joiners, fillers or blank patterns."""
    return sum(unicodedata.category(c) not in _BLANK and not _NOT_SEEN.match(c) for c in text)


def to_html(text: str, links: bool = True) -> str:
    """Safe HTML of a member's Markdown; with `links=False` addresses stay as they were typed.

    A line break stays a line break. Headings begin at h3, pictures become links. A text that asks for
    absurdly many cells or tags is shown as it was typed.
    Errors: Refused (400) when the text is longer than `LIMIT`.
    """
    text = _checked(text)
    html = _rendered(text, links)
    return _sanitised(html) if html.count("<") <= MAX_TAGS else _unformatted(text)


def has_link(text: str) -> bool:
    """Whether the text has a link or something a reader would copy as one (`www.`)."""
    text = clean_text(text)
    if _LINKLIKE.search(text):
        return True
    return "<a " in _rendered(text[:LIMIT], links=True)


def plain(text: str, limit: int) -> str:
    """The text's words on one line, without Markdown, cut at a word to at most `limit` characters."""
    line = words(_rendered(clean_text(text[: 4 * limit + 400]), links=False))
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip() + "…"


def words(html: str) -> str:
    """The words of HTML made by `to_html`, on one line: for the search index. Cheap."""
    return " ".join(unescape(_TAG.sub(" ", _INLINE.sub("", html))).split())


def _checked(text: str) -> str:
    cleaned = clean_text(text)
    if len(cleaned) > LIMIT:
        sentence = gettext(
            "This text is %(have)s characters long; %(most)s is the most.", have=len(cleaned), most=LIMIT
        )
        raise Refused(sentence, 400, "body")
    return cleaned


class _Markdown(MarkdownIt):
    """CommonMark whose links go to plain http, https and mailto addresses only."""

    def validateLink(self, url: str) -> bool:
        """Whether this may become a link; if not, its source stays visible as text."""
        return is_web_address(url) or url.lower().startswith("mailto:")


def is_web_address(url: str) -> bool:
    """An http or https address with a host and without `user@`, which makes hosts look like others."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _rendered(text: str, links: bool) -> str:
    """What the renderer makes of it: only our own tags, text escaped; not yet sanitised."""
    return str(_markdown(links, _cells(text) <= MAX_CELLS).render(text))


def _cells(text: str) -> int:
    """At most so many table cells are in this text: every line of a block may be a row of its widest."""
    blocks = (block.split("\n") for block in text.split("\n\n") if "|" in block)
    return sum(len(lines) * (1 + max(line.count("|") for line in lines)) for lines in blocks)


@lru_cache(maxsize=4)
def _markdown(links: bool, tables: bool) -> MarkdownIt:
    """The renderer. linkify stays off: it takes quadratic time (2.7 s for 36 kB of "http://a.")."""
    markdown = _Markdown("commonmark", {"html": False, "breaks": True}).enable("strikethrough")
    if tables:
        markdown.enable("table")
    markdown.core.ruler.push("house", _keep_house)
    if links:
        markdown.core.ruler.push("addresses", _link_addresses)
    else:
        markdown.disable(["link", "image", "autolink", "reference"])
    return markdown


def _keep_house(state: StateCore) -> None:
    """Headings below those of the page, pictures as links."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.type == "inline":
            token.children = [new for old in token.children or [] for new in _without_picture(old)]


def _without_picture(token: Token) -> list[Token]:
    if token.type != "image":
        return [token]
    return _link(str(token.attrs["src"]), token.content or str(token.attrs["src"]))


def _link(address: str, words: str) -> list[Token]:
    text = Token("text", "", 0, content=words)
    return [Token("link_open", "a", 1, attrs={"href": address}), text, Token("link_close", "a", -1)]


def _link_addresses(state: StateCore) -> None:
    """Make plain addresses in running text links (not in code, not inside a link)."""
    for token in state.tokens:
        if token.type == "inline" and "://" in token.content:
            token.children = list(_linked(state.md, token.children or []))


def _linked(markdown: MarkdownIt, children: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in children:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and not depth:
            yield from _split_at_addresses(markdown, token.content)
        else:
            yield token


def _split_at_addresses(markdown: MarkdownIt, text: str) -> Iterator[Token]:
    done = 0
    for found in _ADDRESS.finditer(text):
        address = _without_tail(found[0])
        if markdown.validateLink(address):
            yield Token("text", "", 0, content=text[done : found.start()])
            yield from _link(markdown.normalizeLink(address), address)
            done = found.start() + len(address)
    yield Token("text", "", 0, content=text[done:])


def _without_tail(address: str) -> str:
    """The address without the sentence's punctuation and a bracket that was opened before it."""
    unopened = address.count(")") - address.count("(")
    end = len(address)
    while end and (address[end - 1] in ".,;:!?*_~" or (address[end - 1] == ")" and unopened > 0)):
        unopened -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def _unformatted(text: str) -> str:
    """The text as typed, in paragraphs. Escaped first, so it needs no second wall."""
    paragraphs = re.split("\n{2,}", text.strip("\n"))
    return _last_pass("".join(f"<p>{escape(p)}</p>" for p in paragraphs).replace("\n", "<br>"))


def _sanitised(html: str) -> str:
    """Two independent walls behind the renderer; nh3 is the one that is maintained."""
    kept = {tag: list(names) for tag, names in ATTRIBUTES.items()}
    return _last_pass(bleach.clean(html, TAGS, kept, SCHEMES))


def _last_pass(html: str) -> str:
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes=set(SCHEMES),
        link_rel=REL,
        url_relative="deny",
    )
