"""What a display name may not look like: the people who run Callboard, or another script's letters.

Names need not be unique: refusing one that is taken would tell that somebody has it (P27, A03). Who
acts for the Alliance or an agency has the role beside the name, and no name can pass for one (A15, R39).
"""

from __future__ import annotations

import re
import unicodedata

# What is read as a Latin letter in a name, small letters after casefold (UTS 39, the common ones).
_ALIKE = str.maketrans(
    "аԁеғһіјкмпорѕтухѡсԛԝгв" + "αβεικνορτυχγω" + "օսհոց" + "0134578@$l|",
    "adefhijkmnopstyxwcqwrb" + "abeiknoptuxyw" + "ouhng" + "oieastbasii",
)
_IGNORABLE = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC"})


def skeleton(text: str) -> str:
    """The text as a hurried reader sees it: two that look alike have one skeleton."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(c for c in folded if not unicodedata.category(c).startswith("M"))
    return plain.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


OFFICIAL = frozenset(
    skeleton(word)
    for word in (
        "callboard", "alliance", "moderator", "moderators", "moderation", "admin", "admins", "administrator",
        "administrators", "staff", "operator", "alianza", "moderador", "moderadora", "administrador",
        "administradora", "модератор", "модераторка", "адміністратор", "адміністраторка",
    )
)  # fmt: skip


def passes_for_staff(name: str) -> bool:
    """Whether a word of the name, or all of it drawn together, reads like the people who run the site."""
    words = re.split(r"[^\w]+", skeleton(name))
    return "".join(words) in OFFICIAL or any(word in OFFICIAL for word in words)


def mixes_alphabets(name: str) -> bool:
    """Whether one word has letters of two alphabets that look alike: nobody writes so but to deceive."""
    return any(len(_alphabets(word)) > 1 for word in re.split(r"[\s\-'’.·]+", name))


def has_unseen_marks(name: str) -> bool:
    """Whether there are marks that no reader sees."""
    return _IGNORABLE.search(name) is not None


def _alphabets(word: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", word)
    return {unicodedata.name(c, "").partition(" ")[0] for c in plain if c.isalpha()} & _ALPHABETS
