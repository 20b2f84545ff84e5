"""Text as shops write it -> text as search needs it.

HTML becomes plain text, Unicode becomes NFKC (a full-width ｅ finds e), invisible characters are
removed, white space is collapsed. Most texts of a feed need none of this, so a fast check comes
first.
"""

from __future__ import annotations

import html
import re
import unicodedata

# The parser takes quadratic time in the nesting depth: 10,000 open tags take 0.5 s, 100,000 a
# minute. Above this many tags, a regular expression removes them.
_MAX_PARSED_TAGS = 5_000

_TAG = re.compile(r"<[a-zA-Z/!?][^>]*>")
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|br|caption|dd|div|dl|dt|figcaption|figure|footer|"
    r"form|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|table|tbody|td|tfoot|th|thead|"
    r"tr|ul)\b",
    re.IGNORECASE,
)
_DROPPED = ["script", "style", "noscript", "template", "svg", "title"]

# Only with a semicolon: `?a=1&copy=2` and `R&D` are not entities.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# Control characters other than white space, soft hyphen, zero-width and bidi marks, byte order
# mark, interlinear and tag characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# The joiner and non-joiner are part of the spelling in Arabic and Indic scripts and of emoji;
# elsewhere they only hide a word from search.
_STRAY_JOINER = re.compile(
    "(?<![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufe0f\U0001f000-\U0001faff"
    "\u2600-\u27bf])[\u200c\u200d]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class LoneSurrogate(ValueError):
    """Half of a UTF-16 surrogate pair, which UTF-8 cannot encode."""


def clean_text(text: str) -> str:
    """Plain text in NFKC on one line.

    Raises:
        LoneSurrogate: the text is not valid Unicode.
    """
    if (
        text.isascii()
        and text.isprintable()
        and "<" not in text
        and "&" not in text
        and "  " not in text
        and text[:1] != " "
        and text[-1:] != " "
    ):
        return text
    return _cleaned(text)


def _cleaned(text: str) -> str:
    if "<" in text or "&" in text:
        text = _without_markup(text)
    if not text.isascii():
        text = _normalized(text)
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split())


def _without_markup(text: str) -> str:
    """Remove tags and decode entities; a block element separates words, an inline one does not."""
    if not _TAG.search(text):
        return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = _BLOCK.sub(r" \g<0>", text)
    if text.count("<") > _MAX_PARSED_TAGS:
        return html.unescape(_TAG.sub("", text))
    from selectolax.lexbor import LexborHTMLParser  # a feed without markup saves these 10 ms

    tree = LexborHTMLParser(text, is_fragment=True)
    tree.strip_tags(_DROPPED)
    return tree.text()


def _normalized(text: str) -> str:
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    if "\u200c" in text or "\u200d" in text:
        text = _STRAY_JOINER.sub("", text)
    if not text.isprintable() and (found := _SURROGATE.search(text)):
        raise LoneSurrogate(
            f"half a surrogate pair (U+{ord(found[0]):04X}) at character {found.start() + 1}"
        )
    return text
