"""How long things take tells nothing: known and unknown addresses, mine and missing (A02; rule 4)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from forum import db, migrating
from forum.accounts.models import Person
from forum.accounts.passwords import hash_password
from tests.personas import Site, Visitor, forget, open_site, visitor

pytestmark = pytest.mark.soak
TRIES = 200
MOST = 0.005  # seconds between medians


@pytest.fixture(scope="module")
def real_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A site with the password hashing of a real one, and many people."""
    app = open_site(tmp_path_factory.mktemp("timing"), argon2_memory=19456, argon2_time=2)
    with app.app_context():
        migrating.upgrade_all()
        hashed = hash_password("three quiet green coats")
        for n in range(TRIES + 20):
            name = f"known{n:05}"
            db.db.session.add(
                Person(handle=name, display_name="Known", email=f"{name}@example.org", password_hash=hashed)
            )
        db.commit()
    yield app
    forget(app)


def medians(steps: dict[str, Callable[[int], None]], tries: int) -> dict[str, float]:
    """The median seconds of each, measured in turn, so that a busy machine slows all alike."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for n in range(tries):
        for name in sorted(steps, reverse=bool(n % 2)):
            began = time.perf_counter()
            steps[name](n)
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(found[5:]) for name, found in times.items()}


def stranger(app: Flask) -> Visitor:
    browser = app.test_client()
    assert isinstance(browser, Visitor)
    return browser.enter(None)


def close(found: dict[str, float]) -> None:
    print({name: f"{seconds * 1000:.2f} ms" for name, seconds in found.items()})
    assert max(found.values()) - min(found.values()) < MOST, found


@pytest.mark.parametrize(("url", "status"), [("/sign-in", 422), ("/reset", 303)])
def test_a_known_address_takes_as_long_as_an_unknown_one(real_app: Flask, url: str, status: int) -> None:
    browser = stranger(real_app)

    def sent(word: str) -> Callable[[int], None]:
        def step(n: int) -> None:
            fields = {"email": f"{word}{n:05}@example.org"} | (
                {"password": "the wrong words"} if url == "/sign-in" else {}
            )
            source = f"10.{1 if word == 'known' else 2}.{n // 250}.{n % 250}"
            token = {"csrf_token": _token(real_app)}
            answer = browser.post(url, data={**token, **fields}, environ_overrides={"REMOTE_ADDR": source})
            assert answer.status_code == status

        return step

    close(medians({"known": sent("known"), "other": sent("other")}, TRIES))


def _token(app: Flask) -> str:
    from tests.personas import csrf_token

    return csrf_token(app)


def test_what_is_forbidden_takes_as_long_as_what_is_missing(site_app: Flask, seeded: Site) -> None:
    tomas = visitor(site_app, seeded, "tomas")
    for there, nowhere in (
        (f"/topics/{seeded.topics['northlight-peer']}", "/topics/99"),
        (f"/posts/{seeded.posts['northlight-peer 1']}", "/posts/99"),
        ("/boards/northlight-peer", "/boards/northlight-qeer"),
        ("/people/ana", "/people/anb"),
        ("/a/northlight/members", "/a/northlighx/members"),
        ("/search?q=zqanswernorthlightpeerqz", "/search?q=zqanswernorthlightpeeryz"),
    ):
        steps = {"there": lambda n, u=there: tomas.get(u), "nowhere": lambda n, u=nowhere: tomas.get(u)}
        close(medians(steps, 120))  # type: ignore[arg-type]


def test_the_first_page_stays_quick_while_people_sign_in(real_app: Flask) -> None:
    """A06: hashes wait for each other, readers do not wait for them."""
    from concurrent.futures import ThreadPoolExecutor

    def sign_in(n: int) -> int:
        fields = {
            "csrf_token": _token(real_app),
            "email": f"known{n:05}@example.org",
            "password": "the wrong words",
        }
        return (
            stranger(real_app)
            .post("/sign-in", data=fields, environ_overrides={"REMOTE_ADDR": f"10.9.0.{n}"})
            .status_code
        )

    reading: list[float] = []
    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(sign_in, n) for n in range(60)]
        reader = stranger(real_app)
        while not all(w.done() for w in waiting):
            began = time.perf_counter()
            assert reader.get("/boards").status_code == 200
            reading.append(time.perf_counter() - began)
    statuses = {w.result() for w in waiting}

    assert statuses <= {422, 429, 503}
    assert 422 in statuses
    assert sorted(reading)[int(len(reading) * 0.95)] < 1.0, f"{len(reading)} readings"


def test_memory_of_many_hashes_is_bounded(real_app: Flask, tmp_path: Path) -> None:
    """At most two hashes at a time, however many ask."""
    import resource
    from concurrent.futures import ThreadPoolExecutor

    with real_app.app_context():
        hash_password("warm up")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def one(n: int) -> None:
        with real_app.app_context():
            hash_password(f"words {n}")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(40)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB

    assert grown < 3 * 19456 + 20_000, f"{grown} KiB"
