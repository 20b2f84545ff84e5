"""A query in plain letters, each at its place: positions in it are positions in the query."""

from __future__ import annotations

import re
import unicodedata

# CJK scripts, whose words have no space between them: for use in a character class.
CJK = "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"

# Scripts without spaces between words, likewise; Korean has them.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
UNSPACED_LANGUAGES = frozenset(["ja", "km", "lo", "my", "th", "zh"])
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")


def _bare(letter: str) -> str:
    """The letter without accents in lower case, if that is one character."""
    bare = unicodedata.normalize("NFKD", letter)[0].lower()
    return bare if len(bare) == 1 else letter


# Latin with its accents, Greek and Cyrillic, and full-width forms.
_LETTERS = {
    code: _bare(chr(code))
    for block in (range(0x41, 0x5B), range(0xC0, 0x250), range(0x370, 0x460), range(0xFF01, 0xFF5F))
    for code in block
    if chr(code) not in "×÷"
}
_SIGNS = (
    dict.fromkeys(map(ord, "‐‑‒–—―−－"), "-")
    | dict.fromkeys(map(ord, "’‘`´ʹʼ′＇"), "'")
    | dict.fromkeys(map(ord, "〜～∼"), "~")
    | dict.fromkeys(map(ord, "\u00a0\u2009\u202f\u3000\t\n\r"), " ")
    | {ord("￥"): "¥", ord("￡"): "£", ord("￦"): "₩"}
)
_PLAIN = _LETTERS | _SIGNS


def plain(text: str) -> str:
    """The text in lower case without accents, of the same length.

    >>> plain("Höchstens ５０ €")
    'hochstens 50 €'
    """
    return text.lower() if text.isascii() else text.translate(_PLAIN)


def is_unspaced(text: str) -> bool:
    """Whether a text begins in a script without spaces between words."""
    return _IS_UNSPACED.match(text) is not None
