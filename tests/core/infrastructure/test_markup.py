"""What Markdown becomes, what cleaning removes, and that no text of legal length takes long."""

from __future__ import annotations

import time
import unicodedata

import pytest
from flask import Flask

from forum import markup
from forum.permissions import Refused

REL = 'rel="nofollow ugc noopener noreferrer"'
N = markup.LIMIT


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Hello", "<p>Hello</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("# a", "<h3>a</h3>"),
        ("## a", "<h4>a</h4>"),
        ("###### a", "<h6>a</h6>"),
        ("a\n===", "<h3>a</h3>"),
        ("---", "<hr>"),
        ("```python\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>"),
        ("AT&T &copy; &lt;", "<p>AT&amp;T © &lt;</p>"),
        ("![](http://x.org/a.png)", f'<p><a href="http://x.org/a.png" {REL}>http://x.org/a.png</a></p>'),
        ("![me](http://x.org/a.png)", f'<p><a href="http://x.org/a.png" {REL}>me</a></p>'),
    ],
)
def test_markdown_becomes(text: str, html: str) -> None:
    assert markup.to_html(text).strip() == html


def test_a_table_is_kept_without_styles() -> None:
    html = markup.to_html("| a | b |\n|:--|--:|\n| 1 | 2 |")

    assert "<th>a</th>" in html
    assert "<td>2</td>" in html
    assert "style" not in html


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        (
            "see http://x.org/a_b_c?d=1&e=2.",
            "http://x.org/a_b_c?d=1&amp;e=2",
            "http://x.org/a_b_c?d=1&amp;e=2",
        ),
        ("(https://x.org/a_(b))", "https://x.org/a_(b)", "https://x.org/a_(b)"),
        ("HTTPS://X.ORG!", "HTTPS://X.ORG", "HTTPS://X.ORG"),
        ("**https://x.org**", "https://x.org", "https://x.org"),
        ("<https://x.org/~b>", "https://x.org/~b", "https://x.org/~b"),
        ("[words](https://x.org)", "https://x.org", "words"),
        ("<ines@models.test>", "mailto:ines@models.test", "ines@models.test"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", "https://bücher.example/ä"),
    ],
)
def test_an_address_becomes_a_link(text: str, address: str, shown: str) -> None:
    assert f'<a href="{address}" {REL}>{shown}</a>' in markup.to_html(text)
    assert markup.has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "[x](//elsewhere.example)",
        "[x](/sign-out)",
        "[x](ftp://x.org)",
        "https://callboard.example@evil.example/",
        "[x](https://callboard.example@evil.example/)",
        "`https://x.org`",
        "    https://x.org",
        "http://",
        "https://[::1",
    ],
)
def test_this_does_not_become_a_link(text: str) -> None:
    assert "<a" not in markup.to_html(text)


def test_an_address_inside_a_link_is_not_linked_again() -> None:
    assert markup.to_html("[a https://b.org c](https://x.org)").count("<a ") == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://x.org",
        "[a](https://x.org)",
        "![a](https://x.org)",
        "<https://x.org>",
        "[a]\n\n[a]: https://x.org",
    ],
)
def test_a_newcomers_address_stays_as_typed(text: str) -> None:
    html = markup.to_html(text, links=False)

    assert "<a" not in html
    assert "https://x.org" in html


@pytest.mark.parametrize(
    "text", ["no link here", "a.b and c:d", "3 < 4 > 2", "[ ] todo", "www is three letters"]
)
def test_words_are_no_link(text: str) -> None:
    assert not markup.has_link(text)


@pytest.mark.parametrize(
    "text", ["www.x.org", "htt&#112;s://x.org <https&#58;//x.org>", "ht\u202etps://x.org", "MAILTO:a@b.c"]
)
def test_hidden_addresses_are_links_too(text: str) -> None:
    assert markup.has_link(text)


def test_a_text_that_is_too_long_is_refused_with_both_numbers(small_sqlite: Flask) -> None:
    with pytest.raises(Refused) as refusal:
        markup.to_html("a" * (N + 1))

    assert refusal.value.status == 400
    assert "20001" in refusal.value.sentence
    assert "20000" in refusal.value.sentence


def test_the_browsers_line_ends_count_once() -> None:
    assert markup.to_html("a\r\n" * (N // 2))


# --- cleaning ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\0b", "ab"),
        ("a\ud800b\udfff", "ab"),
        ("a\x07\x1b[31mb\x7f\x9f", "a[31mb"),
        ("\ufeffa", "a"),
        ("a\u202eb\u202c\u2066c\u2069", "abc"),
        ("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf"),
        ("tab\tstays", "tab\tstays"),
        ("e\u0301", "é"),
        ("\ufffe\uffff\ufdd0", ""),
        ("\u3164\u115f\u1160\uffa0", ""),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    assert markup.clean_text(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "שלום עולם",
        "مرحبا\u200f بكم",
        "हिन्दी में",
        "Tiếng Việt",
        "ภาษาไทย ก็",
        "Ḩ̱ͤ",
        "নমস্কার",
        "𝔉𝔞𝔰𝔥𝔦𝔬𝔫",
        "zero\u200bwidth\u200djoin",
    ],
)
def test_every_script_stays(text: str) -> None:
    assert markup.clean_text(text) == unicodedata.normalize("NFC", text)


def test_a_tower_of_marks_is_cut_and_costs_little() -> None:
    begun = time.process_time()
    cleaned = markup.clean_text("a" + "\u0301\u0316" * 100_000)

    assert len(cleaned) <= 1 + markup.MAX_MARKS
    assert time.process_time() - begun < 1  # unicodedata.normalize alone: 12 s for half of it


# --- excerpts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("# Title\n\nsome *more* `code`\n- and", 100, "Title some more code and"),
        ("un*believ*able & <b>", 100, "unbelievable & <b>"),
        ("one two three four", 12, "one two…"),
        ("abcdefghijklmnop", 8, "abcdefg…"),
        ("a  \n\n\n b\u2028c", 100, "a b c"),
        ("[words](http://x.org)", 100, "[words](http://x.org)"),
        ("", 10, ""),
    ],
)
def test_an_excerpt(text: str, limit: int, line: str) -> None:
    assert markup.plain(text, limit) == line


def test_words_of_html() -> None:
    assert markup.words("<p>a <em>b</em>c</p>\n<p>&lt;d&gt;</p>") == "a bc <d>"


# --- the worst texts -------------------------------------------------------------------------------


def _fill(unit: str) -> str:
    return (unit * (N // len(unit) + 1))[:N]


WORST = {
    "addresses in a row": _fill("http://a."),
    "addresses": _fill("http://a "),
    "brackets after an address": "http://a/" + ")" * (N - 9),
    "ampersands": "&" * N,
    "angle brackets": "<" * N,
    "stars": "*" * N,
    "stars and underscores": _fill("*a_ "),
    "stars in pairs": _fill("**a *b "),
    "open brackets": "[" * N,
    "half links": _fill("[a]("),
    "links": _fill("[a](http://b)"),
    "nested pictures": "![" * 6000 + "](" * 4000,
    "quotes in quotes": ">" * N,
    "lists in lists": _fill("- - "),
    "quotes in lists": _fill("> - "),
    "backticks of every length": "".join("`" * i + " a " for i in range(1, 200))[:N],
    "fences": _fill("```\n"),
    "rows that leave their cells out": "|" + "a|" * 100 + "\n|" + "-|" * 100 + "\n" + _fill("a\n")[: N - 500],
    "definitions": _fill("[a]: http://b\n"),
    "a long name": "[" + "a" * (N - 10) + "]",
    "mail addresses": _fill("<a@b.c>"),
    "entities": _fill("&#0;"),
    "line ends": "\n" * N,
    "lines": _fill("a\n"),
    "hard breaks": _fill("a  \n"),
    "headings": _fill("# a\n"),
    "numbered": _fill("1. a\n"),
    "tildes": _fill("~~a "),
    "html": _fill("<b><i>"),
    "controls": "\x01" * N,
    "marks": _fill("a" + "\u0301\u0316" * 50),
    "ligature that grows": "\ufdfa" * N,
    "families": _fill("👩‍👩‍👧"),
    "backslashes": "\\" * N,
}


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("name", WORST)
def test_the_worst_texts_take_less_than_a_second(name: str, links: bool) -> None:
    begun = time.process_time()
    markup.to_html(WORST[name], links)

    assert time.process_time() - begun < 1


@pytest.mark.parametrize("name", WORST)
def test_the_worst_texts_are_quickly_searched_for_links_and_words(name: str) -> None:
    begun = time.process_time()
    markup.has_link(WORST[name])
    markup.plain(WORST[name], 300)

    assert time.process_time() - begun < 1


def test_a_text_that_asks_for_absurdly_much_is_shown_as_typed() -> None:
    html = markup.to_html("*a*\n" * 3000)

    assert html.startswith("<p>*a*<br>*a*")
    assert markup.to_html("*a*\n" * 1000).startswith("<p><em>a</em>")


def test_a_table_of_ordinary_size_is_a_table() -> None:
    rows = "\n".join("| Monday | Show | 9:00 | Paris |" for _ in range(200))

    assert "<td>Paris</td>" in markup.to_html("| Day | What | Time | Where |\n|-|-|-|-|\n" + rows)
