"""Words that mean the same, learned from texts about the same product.

Words of two languages that often occur in titles of the same products translate each other. Words
of queries that are absent from the products clicked mean what words of those products mean. Within
each pair of texts the strongest association is linked first, and linked words are no longer
available for weaker ones (Melamed 2000, "Models of Translational Equivalence among Words",
competitive linking). So `desk` does not become a synonym of `oak`, however often they occur
together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from rapidfuzz.distance import OSA

from es_hybrid.synonyms.candidates import SynonymCandidate, SynonymOrigin
from es_hybrid.synonyms.segments import Segment, segments_of
from es_hybrid.understanding.synonym_rules import phrase_key

# Pairs of texts of two languages that are read: more of them change little.
_MAX_PAIRS = 20_000
# Products that must have both words, and the least score. Measured on oracle-oe and the sample
# catalogue: benchmarks/synonyms.py.
_MIN_SUPPORT, _MIN_SCORE = 2, 0.5
# Added to the number of texts, so that two of two prove less than nine of ten.
_DOUBT = 2
# Words of clicks that are more similar than this are misspelt, or another form of one word.
_SIMILAR = 0.7
_EXAMPLES = 2


class TextPair(NamedTuple):
    """Two texts about the same product: titles in two languages, or a query and a title.

    Attributes:
        left_lang: Two letters; empty if unknown.
    """

    left: str
    right: str
    left_lang: str
    right_lang: str
    origin: SynonymOrigin


# The segments of both texts of a pair that the other text lacks.
_Sides = tuple[Sequence[Segment], Sequence[Segment]]


def associated(pairs: Iterable[TextPair]) -> list[SynonymCandidate]:
    """Candidates for synonyms, the best first."""
    groups: defaultdict[tuple[str, str, SynonymOrigin], list[TextPair]] = defaultdict(list)
    for pair in pairs:
        group = groups[pair.left_lang, pair.right_lang, pair.origin]
        if len(group) < _MAX_PAIRS:
            group.append(pair)
    found = [candidate for group in groups.values() for candidate in _learned(group)]
    return sorted(found, key=lambda each: (-each.score, -each.support, each.rule))


def _learned(pairs: Sequence[TextPair]) -> Iterator[SynonymCandidate]:
    """The candidates in pairs of the same two languages."""
    sides = [_unshared(pair) for pair in pairs]
    left, right = (
        Counter(text for side in sides for text in {segment.text for segment in side[at]})
        for at in (0, 1)
    )
    strengths = _strengths(sides, left, right)
    links: Counter[tuple[str, str]] = Counter()
    examples: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for pair, side in zip(pairs, sides, strict=True):
        for link in set(_linked(side, strengths)):
            links[link] += 1
            if len(examples[link]) < _EXAMPLES:
                examples[link].append(f"{pair.left} | {pair.right}")
    for (one, other), support in links.items():
        score = 2 * support / (left[one] + right[other] + _DOUBT)
        if support < _MIN_SUPPORT or score < _MIN_SCORE or phrase_key(one) == phrase_key(other):
            continue
        if pairs[0].origin == "titles" or OSA.normalized_similarity(one, other) < _SIMILAR:
            yield SynonymCandidate(
                words=one,
                other=other,
                languages=(pairs[0].left_lang, pairs[0].right_lang),
                score=round(score, 3),
                support=support,
                origin=pairs[0].origin,
                examples=tuple(examples[one, other]),
            )


def _unshared(pair: TextPair) -> _Sides:
    """The segments without the words that both texts have."""
    left = segments_of(pair.left, pair.left_lang)
    right = segments_of(pair.right, pair.right_lang)
    both = {each.text for each in left} & {each.text for each in right}
    return _without(left, both), _without(right, both)


def _without(segments: Sequence[Segment], texts: set[str]) -> list[Segment]:
    shared = [each for each in segments if each.text in texts]
    return [each for each in segments if not any(map(each.overlaps, shared))]


def _strengths(
    sides: Sequence[_Sides], left: Counter[str], right: Counter[str]
) -> dict[tuple[str, str], float]:
    """Dice's coefficients of words; those too low for a candidate are left out."""
    together: Counter[tuple[str, str]] = Counter()
    for side in sides:
        ones, others = (
            {each.text for each in segments if counts[each.text] >= _MIN_SUPPORT}
            for segments, counts in zip(side, (left, right), strict=True)
        )
        together.update(product(ones, others))
    strengths = {
        (one, other): 2 * count / (left[one] + right[other])
        for (one, other), count in together.items()
        if count >= _MIN_SUPPORT
    }
    return {pair: strength for pair, strength in strengths.items() if strength >= _MIN_SCORE}


def _linked(sides: _Sides, strengths: dict[tuple[str, str], float]) -> Iterator[tuple[str, str]]:
    """The words of two texts that mean the same: each is linked once, the strongest first."""
    possible = [
        _Link(strength, one, other)
        for one in sides[0]
        for other in sides[1]
        if (strength := strengths.get((one.text, other.text)))
    ]
    possible.sort(key=_Link.order, reverse=True)
    while possible:
        best = possible[0]
        if not any(map(best.contradicts, possible)):
            yield best.one.text, best.other.text
        possible = [each for each in possible if not best.excludes(each)]


class _Link(NamedTuple):
    """Two segments of a pair that may mean the same."""

    strength: float
    one: Segment
    other: Segment

    def order(self) -> tuple[float, int]:
        """The strongest first, of equal ones the longest."""
        words = self.one.end - self.one.start + self.other.end - self.other.start
        return self.strength, words

    def excludes(self, link: _Link) -> bool:
        """Whether both cannot hold."""
        return self.one.overlaps(link.one) or self.other.overlaps(link.other)

    def contradicts(self, link: _Link) -> bool:
        """Whether one of the segments might as well mean another part of the other text."""
        return link.strength == self.strength and (
            self.one.overlaps(link.one) != self.other.overlaps(link.other)
        )
