"""Language tags: the row's own brought to BCP 47 form, or told from the text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<variants>(?:-[a-z0-9]{5,8}|-\d[a-z0-9]{3})*)",
    re.IGNORECASE,
)

# Scripts that settle the language. Kana stands before Han: Japanese mixes both.
_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9f]")),
    ("ko", re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("th", re.compile("[\u0e01-\u0e5b]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("el", re.compile("[\u0370-\u03ff]")),
)
_LETTER = re.compile(r"[^\W\d_]")
# Names and sizes in Latin letters stand in titles of every language, so a sixth of the letters
# is enough for a script to settle it.
_SCRIPT_SHARE = 1 / 6
# Enough for the identifier to be sure, and short enough to be quick.
_MAX_CHARS = 400


@lru_cache(maxsize=512)
def normalize_tag(tag: str) -> str:
    """A BCP 47 tag in its usual case: `zh_hans_cn` -> `zh-Hans-CN`.

    Raises:
        ValueError: it is not one.
    """
    parts = _TAG.fullmatch(tag.strip().replace("_", "-"))
    if parts is None:
        raise ValueError(tag)
    script, region = parts["script"] or "", parts["region"] or ""
    named = (parts["language"].lower(), script.title(), region.upper())
    return "-".join(filter(None, named)) + parts["variants"].lower()


def detect(text: str) -> str:
    """The language of a text as a two-letter tag, or an empty text where nothing tells it.

    By script where the script settles it, else by py3langid (Lui and Baldwin 2012, "langid.py:
    An Off-the-shelf Language Identification Tool", ACL).
    """
    text = text[:_MAX_CHARS]
    letters = len(_LETTER.findall(text))
    if not letters:
        return ""
    if not text.isascii():
        for language, script in _SCRIPTS:
            if len(script.findall(text)) >= letters * _SCRIPT_SHARE:
                return language
    language, _ = _identifier().classify(text)
    return str(language)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """Loaded with the first text that needs it (0.3 s)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
