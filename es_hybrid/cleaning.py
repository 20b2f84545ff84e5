"""Text as shops write it -> text as search wants it.

HTML becomes plain text, the Unicode form becomes NFKC (a full-width ｅ finds e), invisible
characters go, white space is collapsed. Most texts of a feed need none of this, so it is first
looked whether there is anything to do.
"""

from __future__ import annotations

import html
import re
import unicodedata

# The parser's time grows with the square of the nesting: 10,000 open tags take 0.5 s, 100,000 a
# minute. Above this many tags they are cut out by their brackets alone.
_MAX_PARSED_TAGS = 5_000

_TAG = re.compile(r"<[a-zA-Z/!?][^>]*>")
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|br|caption|dd|div|dl|dt|figcaption|figure|footer|"
    r"form|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|table|tbody|td|tfoot|th|thead|"
    r"tr|ul)\b",
    re.IGNORECASE,
)
_DROPPED = ["script", "style", "noscript", "template", "svg", "title"]

# With the semicolon only: `?a=1&copy=2` and `R&D` are no entities.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# Controls that are no white space, soft hyphen, zero-width and bidi marks, byte order mark,
# interlinear and tag characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# The joiner and non-joiner are spelling in Arabic and Indic scripts, and glue emoji; elsewhere
# they only hide a word from search.
_STRAY_JOINER = re.compile(
    "(?<![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufe0f\U0001f000-\U0001faff"
    "\u2600-\u27bf])[\u200c\u200d]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class LoneSurrogate(ValueError):
    """Half of a UTF-16 pair: no character, and UTF-8 cannot write it."""


def clean_text(text: str) -> str:
    """Plain text in NFKC on one line.

    Raises:
        LoneSurrogate: the text is not Unicode.
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
    """Tags out, entities decoded; a block element parts words, an inline one does not."""
    if not _TAG.search(text):
        return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = _BLOCK.sub(r" \g<0>", text)
    if text.count("<") > _MAX_PARSED_TAGS:
        return html.unescape(_TAG.sub("", text))
    from selectolax.lexbor import LexborHTMLParser  # 10 ms that a feed without markup saves

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
