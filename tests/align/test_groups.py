"""Groups from accepted pairs, and what keeps them apart."""

from __future__ import annotations

import itertools
import random

import pytest

from es_hybrid.align.groups import GroupMember, MemberLimits, Tie, groups, named


def _node(name: str) -> GroupMember:
    return GroupMember("left", name)


def _pair(names: str) -> tuple[GroupMember, GroupMember]:
    return _node(names[0]), _node(names[1])


def _grouped(
    ties: dict[str, float],
    *,
    slots: dict[str, str] | None = None,
    gtins: dict[str, str] | None = None,
    known: dict[str, float] | None = None,
    by_person: tuple[str, ...] = (),
    apart: tuple[str, ...] = (),
) -> list[str]:
    """Ties such as `{"ab": 0.9}` -> groups such as `["abc"]`; each name is a product."""
    names = sorted(set("".join([*ties, *by_person])))
    found = groups(
        {
            _node(name): MemberLimits(
                frozenset(filter(None, (slots or {}).get(name, "").split(","))),
                frozenset((gtins or {}).get(name, "").split()),
            )
            for name in names
        },
        [
            *(Tie(*_pair(pair), score) for pair, score in ties.items()),
            *(Tie(*_pair(pair), 1.0, by_person=True) for pair in by_person),
        ],
        {_pair(pair): score for pair, score in {**ties, **(known or {})}.items()},
        agree=0.7,
        apart=map(_pair, apart),
    )
    return ["".join(node.id for node in group) for group in found]


def test_accepted_pairs_make_groups() -> None:
    assert _grouped({"ab": 0.95, "bc": 0.92, "ac": 0.91, "de": 0.9}) == ["abc", "de"]


def test_a_chain_does_not_join_groups_whose_medoids_are_unlike() -> None:
    one, other = {"ab": 0.99, "bc": 0.99, "ac": 0.99}, {"xy": 0.99, "yz": 0.99, "xz": 0.99}
    assert _grouped({**one, **other, "cx": 0.95}) == ["abc", "xyz"]
    across = {"bx": 0.8, "ax": 0.8, "by": 0.8, "bz": 0.8, "ay": 0.8, "az": 0.8}
    assert _grouped({**one, **other, "cx": 0.95}, known=across) == ["abcxyz"]


def test_a_group_takes_one_product_of_each_side_and_language() -> None:
    slots = {"a": "left en", "b": "left de", "c": "left de"}
    assert _grouped({"ab": 0.95, "ac": 0.94}, slots=slots) == ["ab"]


def test_numbers_that_contradict_never_join() -> None:
    ties = {"ab": 0.95, "bc": 0.95, "ac": 0.9}
    assert _grouped(ties, gtins={"a": "1", "c": "2"}) == ["ab"]
    assert _grouped(ties, gtins={"a": "1", "c": "1 2"}) == ["abc"]


def test_what_a_person_accepted_joins_against_every_guard() -> None:
    slots, gtins = {"a": "left de", "b": "left de"}, {"a": "1", "b": "2"}
    assert _grouped({}, slots=slots, gtins=gtins, by_person=("ab",)) == ["ab"]


def test_a_rejected_pair_is_never_in_one_group() -> None:
    ties = {"ab": 0.99, "bc": 0.98, "ac": 0.97}
    assert _grouped(ties, apart=("ac",)) == ["ab"]
    assert _grouped(ties, apart=("ca",), by_person=("bc",)) == ["bc"]


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_the_pairs_changes_groups_or_breaks_a_guard(seed: int) -> None:
    chance = random.Random(seed)
    names = "abcdefghij"
    ties = {
        a + b: round(chance.random(), 3)
        for a, b in itertools.combinations(names, 2)
        if chance.random() < 0.4
    }
    slots = {name: chance.choice(("en", "de", "fr", "zh")) for name in names}
    gtins = {name: chance.choice(("", "", "1", "2")) for name in names}
    shuffled = dict(chance.sample(list(ties.items()), len(ties)))
    found = _grouped(ties, slots=slots, gtins=gtins)
    assert found == _grouped(shuffled, slots=slots, gtins=gtins)
    for group in found:
        assert len({slots[name] for name in group}) == len(group)
        assert len({gtins[name] for name in group} - {""}) <= 1
    assert len("".join(found)) == len(set("".join(found)))


def test_a_group_keeps_its_name_while_it_grows() -> None:
    a, b, c, d = map(_node, "abcd")
    first = named([[b, c]], {})
    assert first == {b: "b", c: "b"}
    assert named([[a, b, c]], first) == {a: "b", b: "b", c: "b"}
    parted = named([[a, c], [b, d]], first)
    assert sorted({parted[a], parted[b]}) == ["a", "b"] or len({parted[a], parted[b]}) == 2


def test_products_of_two_sides_may_have_one_id() -> None:
    left, right = GroupMember("left", "1"), GroupMember("right", "1")
    other = GroupMember("left", "2"), GroupMember("right", "2")
    members = dict.fromkeys([left, right, *other], MemberLimits(frozenset(), frozenset()))
    found = groups(members, [Tie(left, right, 0.9), Tie(*other, 0.9)], {}, agree=0.7)
    assert found == [[left, right], list(other)]
    assert len(set(named(found, {}).values())) == 2
