"""Which rules a search meets, in memory: 10,000 rules in a millisecond or two.

Every rule is filed under the one of its criteria that other rules share least. A search looks only
into the files that its facts open, and checks all criteria of what it finds there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from es_hybrid.cleaning import clean_query
from es_hybrid.merchandising.rules.criteria import ORDERS, matches, number_of, text_of
from es_hybrid.merchandising.rules.rule import INDEX_NAME, QUERY, Criterion, RuleVersion

# Name -> what is known, several values of which any is enough.
SearchFacts = Mapping[str, Sequence[str | float]]

# Bounds the time that a request can take.
_MAX_VALUES, _MAX_CHARS = 100, 1000
# Value -> numbers of rules.
_Filed = defaultdict[Any, list[int]]
# What it costs to look into a file, in rules to check: a fuzzy file compares all of its values.
_FUZZY_COST, _ORDER_COST = 100, 1000


class _Test(NamedTuple):
    """A criterion, ready to be checked."""

    kind: Any
    metadata: str
    values: tuple[str | float, ...]


class RuleSet:
    """Live rules, ready to be matched. Immutable.

    Args:
        versions: Of several versions of a rule, the last one counts; ended rules are left out.

    Attributes:
        live: Id -> version.
    """

    def __init__(self, versions: Iterable[RuleVersion] = ()) -> None:
        last: dict[str, RuleVersion] = {}
        for each in versions:
            if each.rule.id not in last or last[each.rule.id].version < each.version:
                last[each.rule.id] = each
        self.live: Mapping[str, RuleVersion] = {
            id_: each
            for id_, each in last.items()
            if each.approved_by is not None and not each.deleted
        }
        self._rules = sorted(self.live.values(), key=self.order)
        self._tests = [tuple(map(_test, version.rule.criteria)) for version in self._rules]
        self._files = _Files(self._tests)

    def __len__(self) -> int:
        return len(self._rules)

    @staticmethod
    def order(version: RuleVersion) -> tuple[int, str]:
        """Sorts the highest priority first."""
        return -version.rule.priority, version.rule.id

    def changed(self, versions: Iterable[RuleVersion]) -> RuleSet:
        """The set after a write. Drafts change nothing."""
        return RuleSet(
            [*self.live.values(), *(each for each in versions if each.approved_by is not None)]
        )

    def fired(self, facts: SearchFacts, now: datetime) -> list[RuleVersion]:
        """The rules whose criteria are met, the highest priority first, then by id.

        Args:
            now: With a time zone.
        """
        return [
            self._rules[number]
            for number in sorted(set(self._files.opened_by(facts)))
            if all(_is_met(test, facts) for test in self._tests[number])
            and self._rules[number].rule.is_valid_at(now)
        ]


def facts_of(words: str, index: str, context: Mapping[str, Any]) -> SearchFacts:
    """What is known about a search.

    Args:
        words: The query, cleaned. Its case does not matter.
        context: Of the request: a value or several for each name. Of a text, the first 1,000
            characters count, and of several values the first hundred.
    """
    facts = {
        name: tuple(map(_fact, _several(value)[:_MAX_VALUES])) for name, value in context.items()
    }
    return {**facts, QUERY: (words.lower(),), INDEX_NAME: (index,)}


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


def _fact(value: Any) -> str | float:
    """A value that criteria can be compared with; Elasticsearch compares no booleans."""
    known = str(value).lower() if isinstance(value, bool) else value
    return known[:_MAX_CHARS] if isinstance(known, str) else known


def _test(criterion: Criterion) -> _Test:
    values = criterion.values
    if criterion.metadata == QUERY:
        values = tuple(clean_query(v).lower() if isinstance(v, str) else v for v in values)
    return _Test(criterion.type, criterion.metadata, values)


def _is_met(test: _Test, facts: SearchFacts) -> bool:
    if test.kind == "always":
        return True
    return any(matches(test.kind, test.values, fact) for fact in facts.get(test.metadata, ()))


def _cost(test: _Test, shared: Mapping[Any, int]) -> float:
    """Rules to check if a rule is filed under this criterion, about; infinite if it cannot be."""
    if test.kind in ORDERS:
        return _ORDER_COST
    if not test.values or not all(isinstance(value, str) for value in test.values):
        return float(np.inf)
    if test.kind == "fuzzy":
        return _FUZZY_COST
    return sum(shared[test.kind, test.metadata, value] for value in test.values)


class _Files:
    """Numbers of rules, each filed under the values of one criterion.

    What is opened includes every rule that can be met, and not many others.
    """

    def __init__(self, rules: Sequence[Sequence[_Test]]) -> None:
        self._unfiled: list[int] = []
        shared = Counter(
            (t.kind, t.metadata, v) for tests in rules for t in tests for v in t.values
        )
        filed: dict[tuple[str, str], _Filed] = defaultdict(lambda: defaultdict(list))
        for number, tests in enumerate(rules):
            test = min(tests, key=lambda test: _cost(test, shared))
            if _cost(test, shared) == np.inf:
                self._unfiled.append(number)
            else:
                for value in test.values:
                    filed[test.kind, test.metadata][value].append(number)
        self._files = [
            (metadata, _FILES.get(kind, _OrderFile)(kind, values))
            for (kind, metadata), values in filed.items()
        ]

    def opened_by(self, facts: SearchFacts) -> Iterator[int]:
        yield from self._unfiled
        for metadata, file in self._files:
            for fact in facts.get(metadata, ()):
                yield from file.opened_by(fact)


class _PartFile:
    """Of texts that a fact equals, or has as a part."""

    def __init__(self, kind: str, filed: _Filed) -> None:
        self._kind = kind
        self._filed: Mapping[Any, Sequence[int]] = dict(filed)
        self._lengths = sorted({len(str(value)) for value in filed})

    def opened_by(self, fact: str | float) -> Iterator[int]:
        for part in self._parts(text_of(fact)):
            yield from self._filed.get(part, ())

    def _parts(self, text: str) -> Iterable[str]:
        lengths = [length for length in self._lengths if length <= len(text)]
        match self._kind:
            case "exact":
                return (text,)
            case "prefix":
                return (text[:length] for length in lengths)
            case "suffix":
                return (text[-length:] for length in lengths)
        if sum(len(text) - length + 1 for length in lengths) > len(self._filed):
            return (value for value in self._filed if value in text)
        starts = ((length, range(len(text) - length + 1)) for length in lengths)
        return {text[start : start + length] for length, places in starts for start in places}


class _FuzzyFile:
    """Of texts that a fact is similar to."""

    def __init__(self, kind: str, filed: _Filed) -> None:
        self._values = list(map(str, filed))
        self._numbers = list(filed.values())

    def opened_by(self, fact: str | float) -> Iterator[int]:
        if not isinstance(fact, str) or not fact:
            return
        if max(fact) > "\uffff":  # counted in UTF-16 units, see `criteria.is_similar`
            yield from chain.from_iterable(self._numbers)
            return
        distances = process.cdist(
            [fact],
            self._values,
            scorer=Levenshtein.normalized_distance,
            score_cutoff=0.5,
            dtype=np.float32,
        )[0]
        for place in np.flatnonzero(distances <= 0.5).tolist():
            yield from self._numbers[place]


class _OrderFile:
    """Of numbers that a fact is above or below."""

    def __init__(self, kind: str, filed: _Filed) -> None:
        bounds = [(number_of(value) or 0.0, rules) for value, rules in filed.items()]
        bounds.sort(key=itemgetter(0))
        self._bounds = [bound for bound, _ in bounds]
        self._numbers = [rules for _, rules in bounds]
        self._cut = bisect_left if kind in ("gt", "lte") else bisect_right
        self._below = kind in ("gt", "gte")

    def opened_by(self, fact: str | float) -> Iterator[int]:
        number = number_of(fact)
        if number is not None:
            cut = self._cut(self._bounds, number)
            met = slice(cut) if self._below else slice(cut, None)
            yield from chain.from_iterable(self._numbers[met])


_FILES: Mapping[str, Any] = {
    "exact": _PartFile,
    "prefix": _PartFile,
    "suffix": _PartFile,
    "contains": _PartFile,
    "fuzzy": _FuzzyFile,
}
