"""From compared values to questions for a person, and to classes for searches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from es_hybrid.align.groups import GroupMember
from es_hybrid.align.records import PairRecord
from es_hybrid.records import Product
from es_hybrid.understanding.value_classes import ValueClass

__all__ = ["asked_once", "value_classes"]


def asked_once(
    records: Iterable[PairRecord],
    names: Mapping[GroupMember, str],
    decided: Mapping[tuple[str, str], bool],
) -> Iterator[PairRecord]:
    """The records without questions that other questions answer.

    Of three classes that may be one, two pairs are asked about: the most likely ones. What people
    rejected is not asked again for other values of both classes.

    Args:
        records: Most likely first.
        names: Value -> its class so far.
        decided: What people decided.
    """

    def classes(pair: tuple[str, str]) -> list[str]:
        return [names.get(GroupMember("left", id_), id_) for id_ in pair]

    rejected = {frozenset(classes(pair)) for pair, accepted in decided.items() if not accepted}
    asked: dict[str, str] = {}

    def leader(name: str) -> str:
        while name in asked:
            name = asked[name]
        return name

    for record in records:
        one, other = classes(record.pair)
        if record.decision != "review" or record.pair in decided:
            yield record
        elif one == other:
            yield replace(record, decision="merge", rule=f"in one class by others: {record.rule}")
        elif leader(one) == leader(other) or frozenset((one, other)) in rejected:
            yield replace(record, decision="discard", rule=f"other answers decide: {record.rule}")
        else:
            asked[leader(one)] = leader(other)
            yield record


def value_classes(
    values: Iterable[Product], names: Mapping[GroupMember, str]
) -> Iterator[ValueClass]:
    """The classes that the names make, sorted by field and name.

    Args:
        values: As `ValueEvidence.values`.
    """
    members: defaultdict[tuple[str, str], list[Product]] = defaultdict(list)
    for value in values:
        if name := names.get(GroupMember("left", value.id)):
            members[value.category[0], name].append(value)
    for (field_, name), group in sorted(members.items()):
        counts = {value.title: _counts(value) for value in group}
        languages = sorted({lang for each in counts.values() for lang in each})
        yield ValueClass(
            id=name,
            field=field_,
            labels={lang: max(counts, key=lambda text: counts[text][lang]) for lang in languages},
            values=tuple(sorted(counts, key=lambda text: (-counts[text].total(), text))),
        )


def _counts(value: Product) -> Counter[str]:
    """Language -> number of products."""
    return Counter({lang: int(str(count)) for lang, count in value.attributes.items()})
