"""Finds the kind of a product in its title.

Few catalogues have a field for the kind, but titles follow conventions: Icecat writes the kind
in lower case ("Targus TBB58802GL notebook case 39.6 cm"), others put it last ("Dell 23 Monitor
Stand"). Words before a kind only narrow it: a laptop lock is a lock.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from es_hybrid.records import Product

__all__ = ["GENERIC", "Kinds"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Kinds that are too general to identify a thing.
GENERIC = _words(
    "adapter cable card cartridge case drive kit lamp media memory module panel player set system "
    "tray unit box"
)
_NO_CATEGORY = frozenset(["1", "adapter", "frame", "number", "spares and accessories", "system"])
_NO_HEAD = _words(
    "colour dpi light mah mbit pixels ppm pro select singlepack standard supp svc type unit"
)
_COLOURS = _words(
    "beige black blue brown clear compatible cyan gold graphite gray green grey magenta metallic "
    "multicolor orange original pink purple red silver titanium transparent white yellow"
)
# Lower-case words that are not part of a name.
_FILLERS = _COLOURS | _words(
    "a ac all and at born box by channels cm coloured color colour de double each female for from "
    "ft g gb gen gloss hand hz in inch inscription kg kit l lb lbs luxe m male matt mb ml mm new "
    "nm of on opaque or outlet over oz pack pages pc pcs per pieces pin pixels port ports ppm "
    "refurbished series set sheets single sq the to type v va w with x yd year years"
)
_SMALL_LETTERS = re.compile(r"(?<=\s)[a-z][a-z\-/&]+(?:\s+[a-z][a-z\-/&]+)*")
_WORD = re.compile(r"[A-Za-z][A-Za-z\-]{2,}")
_ASIDE = re.compile(r"\(.*?\)")
_END_OF_NAME = re.compile(r" - |, | with | for | f/ | w/ |: ")
_KIND = re.compile(r"[a-z][a-z\-/&()0-9]*(?: [a-z(][a-z\-/&()0-9]*)*")
_MIN_RUNS = 3  # minimum number of titles with a kind in lower case
_MIN_TAILS = 8  # minimum number of titles that end with the same two words


class Kinds:
    """Learns the conventions of a catalogue, then finds the kind of a product."""

    def __init__(self, products: Iterable[Product]) -> None:
        runs: Counter[str] = Counter()
        tails: Counter[str] = Counter()
        for product in products:
            runs.update({run for run in _runs(product.title) if run})
            tails[" ".join(_tail(product.title))] += 1
        self._runs = {run: n for run, n in runs.items() if n >= _MIN_RUNS and len(run) > 2}
        self._heads = {run.split()[-1] for run in self._runs}
        self._tails = {tail for tail, n in tails.items() if n >= _MIN_TAILS}

    def of(self, product: Product) -> str:
        """The kind in lower case, such as `notebook case`; empty if unknown."""
        category = " ".join(product.category).lower()
        kind = category if category not in _NO_CATEGORY and category else self._from(product.title)
        return kind if _KIND.fullmatch(kind) and kind.split()[-1] not in _NO_HEAD else ""

    def _from(self, title: str) -> str:
        runs = [run for run in _runs(title) if run in self._runs]
        if runs:
            return max(runs, key=lambda run: (len(run.split()), self._runs[run]))
        tail = _tail(title)
        if not tail or tail[-1] not in self._heads:
            return ""
        both = " ".join(tail)
        if both in self._runs or both in self._tails:
            return both
        return tail[-1] if tail[-1] in self._runs else ""


def _runs(title: str) -> list[str]:
    """Runs of lower-case words that could be a kind, without fillers around them."""
    return [_trimmed(run.split()) for run in _SMALL_LETTERS.findall(title)]


def _trimmed(words: list[str]) -> str:
    while words and words[0] in _FILLERS:
        words = words[1:]
    while words and words[-1] in _FILLERS - {"kit", "set"}:
        words = words[:-1]
    inside = _FILLERS - {"kit", "set"}
    return " ".join(words) if len(words) <= 4 and not inside.intersection(words) else ""


def _tail(title: str) -> list[str]:
    """The last two words of the name, without trailing numbers and colours."""
    words = _END_OF_NAME.split(_ASIDE.sub(" ", title))[0].split()
    while words and (words[-1].lower() in _COLOURS or not _WORD.fullmatch(words[-1])):
        words.pop()
    return [word.lower() for word in words[-2:]]
