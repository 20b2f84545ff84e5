"""Groups from accepted pairs: union-find with guards against chains.

One wrong pair would join two whole groups. So two groups join only if their medoids, the members
most similar to the rest of their group, are likely to be the same product; if no numbers contradict
each other; and if no catalogue would occur in the group twice in one language, unless it may
contain duplicates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

__all__ = ["GroupMember", "MemberLimits", "Tie", "groups", "named"]


class GroupMember(NamedTuple):
    """A product: `left` or `right`, and its id."""

    side: str
    id: str


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """Facts that limit which groups a product may join.

    Attributes:
        slots: Side and language; a group has at most one member per slot.
        gtins: Its trade item numbers; groups with contradicting numbers never join.
    """

    slots: frozenset[str]
    gtins: frozenset[str]


class Tie(NamedTuple):
    """An accepted pair. The guards do not apply to a pair accepted `by_person`."""

    left: GroupMember
    right: GroupMember
    score: float
    by_person: bool = False


def groups(
    members: Mapping[GroupMember, MemberLimits],
    ties: Iterable[Tie],
    likeness: Mapping[tuple[GroupMember, GroupMember], float],
    *,
    agree: float,
    apart: Iterable[tuple[GroupMember, GroupMember]] = (),
) -> list[list[GroupMember]]:
    """The groups of two or more products, each sorted.

    Args:
        members: Every product of a tie.
        ties: The accepted pairs, in any order; people's are joined first, then the most likely.
        likeness: Score of each known pair, in either order.
        agree: Minimum score of two medoids.
        apart: Pairs that a person rejected; they are never in one group.
    """
    unions = _Unions(members, likeness, apart)
    for tie in sorted(ties, key=lambda tie: (not tie.by_person, -tie.score, tie.left, tie.right)):
        unions.join(tie, agree)
    found = (sorted(group) for group in unions.groups() if len(group) > 1)
    return sorted(found)


def named(
    found: Sequence[Sequence[GroupMember]], before: Mapping[GroupMember, str]
) -> dict[GroupMember, str]:
    """A name for each group: the one that most of its members had before, else its first id.

    Args:
        before: Names from an earlier run; a group keeps its name when it grows or shrinks.
    """
    names: dict[GroupMember, str] = {}
    taken: set[str] = set()
    for group in sorted(found, key=lambda group: (-len(group), group[0])):
        old = Counter(before[member] for member in group if member in before).most_common()
        own = (f"{member.id}{sign}" for sign in ("", "*") for member in group)
        name = next(name for name in [*(name for name, _ in old), *own] if name not in taken)
        taken.add(name)
        names |= dict.fromkeys(group, name)
    return names


class _Unions:
    """Disjoint sets with their members (Galler, Fischer 1964)."""

    def __init__(
        self,
        members: Mapping[GroupMember, MemberLimits],
        likeness: Mapping[tuple[GroupMember, GroupMember], float],
        apart: Iterable[tuple[GroupMember, GroupMember]],
    ) -> None:
        self._members = members
        self._likeness = likeness
        self._apart = {frozenset(pair) for pair in apart}
        self._group = {member: [member] for member in members}

    def groups(self) -> list[list[GroupMember]]:
        return list({id(group): group for group in self._group.values()}.values())

    def join(self, tie: Tie, agree: float) -> None:
        left, right = self._group[tie.left], self._group[tie.right]
        if left is right or self._kept_apart(left, right):
            return
        if not tie.by_person and not (
            self._compatible(left, right) and self._medoids_agree(tie, left, right, agree)
        ):
            return
        left += right
        for member in right:
            self._group[member] = left

    def _kept_apart(self, left: list[GroupMember], right: list[GroupMember]) -> bool:
        return bool(self._apart) and any(
            frozenset((a, b)) in self._apart for a in left for b in right
        )

    def _compatible(self, left: list[GroupMember], right: list[GroupMember]) -> bool:
        slots, gtins = (
            [
                frozenset[str]().union(*(of(self._members[member]) for member in group))
                for group in (left, right)
            ]
            for of in (attrgetter("slots"), attrgetter("gtins"))
        )
        conflict = gtins[0] and gtins[1] and not gtins[0] & gtins[1]
        return not slots[0] & slots[1] and not conflict

    def _medoids_agree(
        self, tie: Tie, left: list[GroupMember], right: list[GroupMember], agree: float
    ) -> bool:
        """Whether the medoids are likely the same; always true if they are the tie itself."""
        medoids = self._medoid(left), self._medoid(right)
        if medoids == (tie.left, tie.right):
            return True
        return self._like(*medoids) >= agree

    def _medoid(self, group: list[GroupMember]) -> GroupMember:
        if len(group) == 1:
            return group[0]
        return max(group, key=lambda member: sum(self._like(member, other) for other in group))

    def _like(self, one: GroupMember, other: GroupMember) -> float:
        return self._likeness.get((one, other), self._likeness.get((other, one), 0.0))
