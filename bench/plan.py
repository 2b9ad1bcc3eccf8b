"""What is measured: the pages, the requests that ask for them, and the people who sign in.

A page is asked for in many forms (other topics, other people), so that nothing is measured that only
one address in one memory could give.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bench import seed
from bench.browser import Browser
from bench.load import Request
from bench.servers import Running

READERS = 8  # people who only read
TOPICS_READ = 20  # topics that a page is asked for
REPLIES_EACH = 36  # by one person in a run: the limit is 40 in ten minutes
SIGN_INS_EACH = 50  # from one address: the limit is 60 in a quarter of an hour


@dataclass
class Visit:
    """A started site, and what the benchmark knows of it."""

    site: Running
    slugs: dict[int, str]
    readers: list[Browser] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)

    def topic(self, topic_id: int, page: int = 1) -> str:
        """The address of a page of a topic."""
        return f"/topics/{topic_id}-{self.slugs[topic_id]}" + (f"?page={page}" if page > 1 else "")


@dataclass
class Writer:
    """Somebody signed in, with what a form on her page carried."""

    cookie: str
    hidden: dict[str, str]
    left: int = REPLIES_EACH


Ask = Callable[[Visit], list[Request]]


@dataclass(frozen=True)
class Page:
    """One line of the table. `parts` is what must be equally many on both (a key of `browser.PARTS`)."""

    name: str
    ask: Ask
    parts: str
    goal: float


def public_topics() -> list[int]:
    """Topics on public boards with more than a page of posts."""
    wanted = (n for n in range(3, seed.TOPICS) if (n - 1) % seed.BOARDS < seed.PUBLIC_BOARDS)
    return [next(wanted) for _ in range(TOPICS_READ)]


def gets(paths: list[str], cookies: list[str] | None = None) -> list[Request]:
    """Each path by each of these people, or by nobody."""
    return [Request("GET", path, cookie) for path in paths for cookie in cookies or [""]]


def _index(visit: Visit) -> list[Request]:
    return gets([visit.site.site.index])


def _front(visit: Visit) -> list[Request]:
    return gets(["/"])


def _boards(visit: Visit) -> list[Request]:
    return gets([f"/boards/board-{n}" for n in range(1, seed.PUBLIC_BOARDS + 1)])


def _boards_signed_in(visit: Visit) -> list[Request]:
    return gets([f"/boards/board-{n}" for n in range(1, seed.BOARDS + 1)], cookies(visit))


def _topic(visit: Visit) -> list[Request]:
    return gets([visit.topic(n) for n in public_topics()])


def _topic_signed_in(visit: Visit) -> list[Request]:
    return gets([visit.topic(n) for n in public_topics()], cookies(visit))


def _twenty(visit: Visit) -> list[Request]:
    return gets([visit.topic(seed.TWENTY)])


def _middle(visit: Visit) -> list[Request]:
    return gets([visit.topic(seed.BIG, seed.BIG_POSTS // 40 + n) for n in range(TOPICS_READ)])


def _last(visit: Visit) -> list[Request]:
    return gets([visit.topic(seed.BIG, seed.BIG_POSTS // 20)])


def _search_frequent(visit: Visit) -> list[Request]:
    return gets([f"/search?{urlencode({'q': seed.FREQUENT})}"])


def _search_rare(visit: Visit) -> list[Request]:
    return gets([f"/search?{urlencode({'q': seed.RARE})}"])


def cookies(visit: Visit) -> list[str]:
    """The readers' cookies."""
    return [browser.headers["Cookie"] for browser in visit.readers]


PAGES = [
    Page("index", _index, "boards", 2.5),
    Page("front page", _front, "boards", 2.5),
    Page("topic list", _boards, "topics", 2.0),
    Page("topic list, signed in", _boards_signed_in, "topics", 2.0),
    Page("topic", _topic, "posts", 2.5),
    Page("topic, signed in", _topic_signed_in, "posts", 3.0),
    Page("topic of 20, page 1", _twenty, "posts", 2.5),
    Page("topic of 10,000, middle pages", _middle, "posts", 2.5),
    Page("topic of 10,000, last page", _last, "posts", 2.5),
    Page("search, word in 20 %", _search_frequent, "hits", 3.0),
    Page("search, rare word", _search_rare, "hits", 3.0),
]
FLAT = "topic of 20, page 1", ("topic of 10,000, middle pages", "topic of 10,000, last page"), 1.1
REPLY, REPLY_GOAL = "reply", 2.5


# --- people ----------------------------------------------------------------------------------------


def visit(site: Running, slugs: dict[int, str], replies: int) -> Visit:
    """Sign in, by the form, as many people as will be needed."""
    found = Visit(site, slugs)
    writing = -(-replies // REPLIES_EACH)
    for n in range(READERS + writing):
        browser = site.browser(source=f"127.0.0.{2 + n // SIGN_INS_EACH}")
        browser.sign_in(f"person{n + 1}@example.org", seed.PASSWORD)
        if n < READERS:
            found.readers.append(browser)
        else:
            found.writers.append(writer(browser, found))
    return found


def writer(browser: Browser, place: Visit) -> Writer:
    """Open a topic and take the hidden fields of its answer form."""
    page = browser.get(place.topic(seed.TWENTY))
    hidden = page.fields(f"/topics/{seed.TWENTY}/reply")
    return Writer(browser.headers["Cookie"], hidden)


def replies(visit: Visit, number: int) -> list[Request]:
    """So many answers, by everybody in turn, on topics all over the boards; none on the two special ones."""
    requests: list[Request] = []
    while len(requests) < number:
        for one in visit.writers:
            if one.left and len(requests) < number:
                one.left -= 1
                topic_id = 100 + (7 * len(requests)) % (seed.TOPICS - 200)
                requests.append(Request("POST", f"/topics/{topic_id}/reply", one.cookie, reply_body(one)))
    return requests


def reply_body(one: Writer) -> str:
    """A form as a browser sends it; its idempotency key is as fresh as that of a page just opened."""
    fields = dict(one.hidden)
    if "once" in fields:
        fields["once"] = uuid.uuid4().hex
    words = " ".join(seed.WORDS[n % len(seed.WORDS)] for n in range(one.left, one.left + 45))
    link = f"[{seed.WORDS[one.left]}](https://example.org/{uuid.uuid4().hex[:6]})"
    return urlencode(fields | {"body": f"{words[:280]} **yes indeed** and {link} {words[200:240]}."})
