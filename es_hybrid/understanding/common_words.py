"""The common words of a language: a word that is one of them is not misspelt."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Languages that shoppers type, whatever the shop's own.
SHOPPERS = frozenset(["de", "en", "es", "fr", "it", "nl", "pt"])
# Languages whose compounds are one word.
COMPOUNDING = frozenset(["da", "de", "nl", "no", "sv"])

# wordfreq counts from 9, once per word of text, downwards in hundredths of a power of ten.
_HIGHEST = 9.0


def is_common(word: str, language: str, *, least: float) -> bool:
    """Whether a language has this word, and uses it often enough; wordfreq lists 42 languages.

    Args:
        word: In lower case.
        language: Two letters. A language without a list has no common words.
        least: Power of ten of its uses in a billion words, from 3, the rarest that are listed.
    """
    hashes = _hashes(language, least)
    wanted = hash(word)
    at = int(np.searchsorted(hashes, wanted))
    return at < len(hashes) and int(hashes[at]) == wanted


def is_common_in(languages: Iterable[str], word: str, *, least: float) -> bool:
    """Whether `is_common` in any of the languages."""
    return any(is_common(word, language, least=least) for language in languages)


@lru_cache(maxsize=64)
def _hashes(language: str, least: float) -> NDArray[np.int64]:
    """The words' hashes, sorted: a third of a megabyte, where the words would take five.

    That another word has one of thirty thousand hashes of 64 bits will not happen.
    """
    from wordfreq import available_languages, get_frequency_list  # 0.2 s

    if language not in available_languages("small"):
        return np.empty(0, np.int64)
    bins = get_frequency_list(language, "small")
    get_frequency_list.cache_clear()
    rarest = round((_HIGHEST - least) * 100)
    return np.sort([hash(word) for words in bins[: rarest + 1] for word in words])
