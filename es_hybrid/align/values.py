"""Which values of a facet mean the same, learned from products that are the same.

Two values mean the same if one is where the other could be: in nearly all groups in which a product
has the first and there is a product in a language of the second, that product has the second, and
the other way round. Values of one language, and values that are often with two of one language,
are never merged without a person.

A class of values is made as a group of products is: the values take the place of the products in a
store of their own, so that journal, review, report and the guards of `groups` serve both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from es_hybrid.align.records import PairRecord
from es_hybrid.align.store import now
from es_hybrid.records import Product
from es_hybrid.retrieval.response import StageRank
from es_hybrid.settings.align import AlignSettings

__all__ = ["GroupedProduct", "ValueEvidence"]

# Pairs of values counted at once; beyond it, those met least often are forgotten.
_MAX_PAIRS = 200_000
# Pairs with a lower score are chance.
_LEAST_SCORE = 0.1
# A value that has two partners of one language needs a person if the scores differ by less.
_CLEAR = 0.5
_EXAMPLES = 3
_PARENT = " > "


class GroupedProduct(NamedTuple):
    """A product of a group.

    Attributes:
        values: Field -> the values that a facet counts.
    """

    id: str
    title: str
    lang: str
    values: Mapping[str, AbstractSet[str]]


class _Value(NamedTuple):
    field: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.field}={self.text}"


@dataclass(slots=True)
class _Seen:
    """Where a value was seen.

    Attributes:
        products: Language -> number of products with it.
        chances: Language -> number of groups with it and another product of this language.
    """

    products: Counter[str] = field(default_factory=Counter)
    chances: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Met:
    """Groups in which two values are on different products.

    Attributes:
        example: The first of them.
        lefts: Language -> number of groups in which the left value is on a product of it.
    """

    example: str
    groups: int = 0
    lefts: Counter[str] = field(default_factory=Counter)
    rights: Counter[str] = field(default_factory=Counter)


class _Scored(NamedTuple):
    left: _Value
    right: _Value
    met: _Met
    shares: tuple[float, float]

    @property
    def score(self) -> float:
        """The smaller share, shrunk by how few groups it was seen in.

        The factor is the estimate of a share of which all of n trials succeeded, with Jeffreys'
        prior: four groups reach 0.9.
        """
        return min(self.shares) * (self.met.groups + 0.5) / (self.met.groups + 1)

    def other(self, value: _Value) -> _Value:
        return self.right if value == self.left else self.left


class ValueEvidence:
    """Counts values group by group; memory grows with the values, not with the products.

    Args:
        max_pairs: Pairs counted at once.
    """

    def __init__(self, *, max_pairs: int = _MAX_PAIRS) -> None:
        self._max_pairs = max_pairs
        self._seen: defaultdict[_Value, _Seen] = defaultdict(_Seen)
        self._met: dict[tuple[_Value, _Value], _Met] = {}

    def add(self, group: str, products: Sequence[GroupedProduct]) -> None:
        """Count the values of one group."""
        # Parents of a path are values as well: only values of one level can mean the same.
        levels: defaultdict[tuple[str, int], dict[_Value, set[int]]] = defaultdict(dict)
        for number, product in enumerate(products):
            for name, texts in product.values.items():
                for text in texts:
                    level = levels[name, text.count(_PARENT)]
                    level.setdefault(_Value(name, text), set()).add(number)
        for holders in levels.values():
            self._add_level(group, products, holders)
        if len(self._met) > self._max_pairs:
            often = sorted(self._met.items(), key=lambda each: -each[1].groups)
            self._met = dict(often[: self._max_pairs // 2])

    def _add_level(
        self,
        group: str,
        products: Sequence[GroupedProduct],
        holders: Mapping[_Value, AbstractSet[int]],
    ) -> None:
        def languages(numbers: Iterable[int]) -> set[str]:
            return {products[number].lang for number in numbers}

        filled = set().union(*holders.values())
        for value, own in holders.items():
            seen = self._seen[value]
            seen.products.update(products[number].lang for number in own)
            seen.chances.update(languages(filled if len(own) > 1 else filled - own))
            if len(seen.examples) < _EXAMPLES:
                first = products[min(own)]
                seen.examples.append(f"{first.title} ({first.id})")
        for pair in combinations(sorted(holders), 2):
            left, right = (holders[pair[at]] - holders[pair[1 - at]] for at in (0, 1))
            if left and right:
                met = self._met.setdefault(pair, _Met(group))
                met.groups += 1
                met.lefts.update(languages(left))
                met.rights.update(languages(right))

    def values(self) -> Iterator[Product]:
        """The values as products of a journal; `lang` has all languages of a value."""
        for value, seen in self._seen.items():
            yield Product(
                id=value.id,
                title=value.text,
                lang=",".join(sorted(seen.products)),
                category=(value.field,),
                description=" | ".join(seen.examples),
                attributes={lang: str(count) for lang, count in seen.products.most_common()},
            )

    def records(self, settings: AlignSettings) -> list[PairRecord]:
        """The pairs with their scores and decisions, most likely first."""
        scored = [
            _Scored(
                *pair, met, (self._share(*pair, met.rights), self._share(*pair[::-1], met.lefts))
            )
            for pair, met in self._met.items()
        ]
        scored = [each for each in scored if each.score >= _LEAST_SCORE]
        scored.sort(key=lambda each: (-each.score, each.left, each.right))
        partners: defaultdict[_Value, list[_Scored]] = defaultdict(list)
        for each in scored:
            partners[each.left].append(each)
            partners[each.right].append(each)
        time = now()
        return [self._record(each, partners, settings, time) for each in scored]

    def _share(self, value: _Value, other: _Value, met: Counter[str]) -> float:
        """In which share of the groups with `value` the other one is, where it could be.

        The mean over the languages of the other, by its number of products in each: so a few
        products in a wrong language change little.

        Args:
            met: Language of the other -> number of groups in which it is.
        """
        chances = self._seen[value].chances
        weights = {
            lang: count for lang, count in self._seen[other].products.items() if chances[lang]
        }
        found = sum(count * met[lang] / chances[lang] for lang, count in weights.items())
        return found / sum(weights.values()) if weights else 0.0

    def _record(
        self,
        each: _Scored,
        partners: Mapping[_Value, Sequence[_Scored]],
        settings: AlignSettings,
        time: str,
    ) -> PairRecord:
        thresholds = settings.thresholds_of(each.left.field)
        decision, rule = thresholds.outcome(each.score), thresholds.rule(each.score)
        if decision == "merge" and (doubt := self._doubt(each, partners)):
            decision, rule = "review", doubt
        shares = " and ".join(f"{share:.2f}" for share in each.shares)
        seen = f"groups {each.met.groups}, such as {each.met.example}, {shares} of those possible"
        values = each.left, each.right
        ranks = (partners[value].index(each) + 1 for value in values)
        langs = [",".join(sorted(self._languages(value))) for value in values]
        return PairRecord(
            left_id=each.left.id,
            left_title=each.left.text,
            left_lang=langs[0],
            right_id=each.right.id,
            right_title=each.right.text,
            right_lang=langs[1],
            category=each.left.field,
            score=each.score,
            decision=decision,
            rule=f"{rule}: {seen}",
            scorer="groups",
            stages=dict(zip(("left", "right"), map(StageRank, ranks, each.shares), strict=True)),
            time=time,
        )

    def _doubt(self, each: _Scored, partners: Mapping[_Value, Sequence[_Scored]]) -> str:
        """Why a person must decide whatever the score."""
        if both := self._languages(each.left) & self._languages(each.right):
            return f"one language: both in {', '.join(sorted(both))}"
        for value in (each.left, each.right):
            other = each.other(value)
            for rival in partners[value]:
                third = rival.other(value)
                if rival.score < each.score * _CLEAR:
                    break
                if third != other and self._languages(third) & self._languages(other):
                    return f"two partners: {value.text} is nearly as often with {third.text}"
        return ""

    def _languages(self, value: _Value) -> AbstractSet[str]:
        return self._seen[value].products.keys()
