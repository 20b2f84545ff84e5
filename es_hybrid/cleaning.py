"""Text as shops and shoppers write it -> text as search needs it.

`normalize_text` is for both, so that the same characters meet: Unicode becomes NFKC (a full-width
ｅ finds e), apostrophes and hyphens become those of a keyboard, invisible characters are removed,
white space is collapsed. `clean_text` is for feeds, whose texts may be HTML, also escaped twice.
`clean_query` is for queries, which are no HTML and keep their `<`. Most texts need none of this, so
a fast check comes first.

Every step takes time linear in the length, whatever the text.
"""

from __future__ import annotations

import html
import re
import unicodedata

# Characters that are cleaned; the rest is dropped. Thirty pages of text.
MAX_CHARS = 65_536

# Feeds escape twice or three times when each program on the way escapes again.
_MAX_ESCAPES = 4

# The parser takes quadratic time in the nesting depth and in the attributes of a tag: 100,000 open
# tags take a minute, 16,000 attributes 5 s. Within these limits it takes milliseconds; beyond them,
# a regular expression removes the tags.
_MAX_PARSED_TAGS = 2_000
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{2000}")

# No pattern crosses a `<`, so that a text full of them is read once.
_MARKUP = re.compile(r"<(?:[a-zA-Z/?][^<>]*>|!(?:--|\[CDATA\[|[a-zA-Z][^<>]*>))")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
# Each new block opens again the inline elements that were left open, which takes quadratic time and
# memory: `<p><b id=1><p><b id=2>`… By another name they are elements like any other.
_INLINE = re.compile(
    r"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE
)
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

# Signs that NFKC leaves although shoppers type the keyboard's. An analyzer keeps `'` in a word as
# it is, splits at a prime and reads a modifier letter as a letter: men's has five spellings.
_SIGNS = [
    *((sign, "'") for sign in "\u2018\u2019\u201b\u02bb\u02bc\u2032"),
    *((sign, "-") for sign in "\u2010\u2212"),
]
# Typed for an apostrophe; NFKC makes a space of it and an accent.
_ACUTE = "\u00b4"
# A hyphen, too, in a SKU; in a title it separates parts or bounds.
_DASH = re.compile("[\u2010-\u2015\u2212]")

# Normalization sorts combining marks that follow each other, in quadratic time and holding the
# interpreter's lock. The stream-safe text format of UAX 15 allows 30 of them in a row.
_MAX_MARKS = 30
_MARK = re.compile(r"[^\w\s\x00-\x7f]")
_MARKS = re.compile(rf"{_MARK.pattern}{{{_MAX_MARKS + 1},}}")


class LoneSurrogate(ValueError):
    """Half of a UTF-16 surrogate pair, which UTF-8 cannot encode."""


def clean_text(text: str) -> str:
    """The text of a feed as plain, normalized text, of the first `MAX_CHARS` characters.

    Raises:
        LoneSurrogate: the text is not valid Unicode.
    """
    if "<" in text or "&" in text:
        text = text[:MAX_CHARS]
        for _ in range(_MAX_ESCAPES):
            before, text = text, _without_markup(text)
            if text == before or ("<" not in text and "&" not in text):
                break
    return normalize_text(text)


def normalize_text(text: str) -> str:
    """Text in NFKC on one line, of the first `MAX_CHARS` characters; the same if done again.

    Raises:
        LoneSurrogate: the text is not valid Unicode.
    """
    if (
        text.isascii()
        and text.isprintable()
        and "`" not in text
        and "  " not in text
        and text.strip() == text
    ):
        return text
    return _normalized(text[:MAX_CHARS])


def clean_query(text: str) -> str:
    """A shopper's words, normalized like the texts of products.

    A lone surrogate, which JSON cannot hold, becomes U+FFFD.
    """
    return normalize_text(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def with_plain_hyphens(number: str) -> str:
    """A SKU or model number with hyphen-minus for each kind of dash.

    >>> with_plain_hyphens("KX–4820")
    'KX-4820'
    """
    return number if number.isascii() else _DASH.sub("-", number)


def _normalized(text: str) -> str:
    if not text.isascii():
        text = _composed(text)
    if not text.isprintable():
        before, text = text, _INVISIBLE.sub("", text)
        if text != before and not text.isascii():
            text = _composed(text)  # what an invisible character had kept apart
    return " ".join(text.replace("`", "'").split())


def _without_markup(text: str) -> str:
    """Remove tags and decode entities; a block element separates words, an inline one does not."""
    if not _MARKUP.search(text):
        return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = _BLOCK.sub(r" \g<0>", _CDATA.sub("", text))
    if text.count("<") > _MAX_PARSED_TAGS or _LONG_TAG.search(text):
        text = _TAG.sub(_only_dropped, text)
    from selectolax.lexbor import LexborHTMLParser  # a feed without markup saves these 10 ms

    tree = LexborHTMLParser(_INLINE.sub(r"<\1x-", text), is_fragment=True)
    tree.strip_tags(_DROPPED)
    return tree.text()


def _only_dropped(tag: re.Match[str]) -> str:
    """The bare tag of an element whose content is dropped; nothing for any other tag."""
    return f"<{tag[1]}{tag[2]}>" if tag[2].lower() in _DROPPED else ""


def _composed(text: str) -> str:
    text = _nfkc(text.replace(_ACUTE, "'"))
    if "\u200c" in text or "\u200d" in text:
        text = _nfkc(_STRAY_JOINER.sub("", text))
    for sign, plain in _SIGNS:
        text = text.replace(sign, plain)
    if not text.isprintable() and (found := _SURROGATE.search(text)):
        raise LoneSurrogate(
            f"half a surrogate pair (U+{ord(found[0]):04X}) at character {found.start() + 1}"
        )
    return text


def _nfkc(text: str) -> str:
    if _MARK.search(text[_MAX_MARKS :: _MAX_MARKS + 1]):  # more in a row cover one of these
        text = _MARKS.sub(_stream_safe, text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _stream_safe(signs: re.Match[str]) -> str:
    """Signs with at most 30 combining marks in a row; the others are dropped."""
    kept, marks = [], 0
    for sign in signs[0]:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= _MAX_MARKS:
            kept.append(sign)
    return "".join(kept)
