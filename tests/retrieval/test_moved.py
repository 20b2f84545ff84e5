"""An alias that moves during a search: how it is detected, and what follows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Call, Need, Reply
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.vector_fields import VectorFields

LEGS = Call("POST", "/_msearch")
MAPPING = Call("GET", "/shop/_mapping")


def fields(*indices: str) -> VectorFields:
    return VectorFields((), (), frozenset(indices), indices)


def legs(*indices: str) -> Reply:
    """Replies with one hit each, from these indices."""
    return Reply(200, {"responses": [{"hits": {"hits": [{"_index": name}]}} for name in indices]})


def mapping(*indices: str) -> Reply:
    return Reply(200, {name: {"mappings": {}} for name in indices})


def a_search() -> Generator[Need, Any, Retrieved]:
    reply = yield LEGS
    if reply.status >= 400:
        raise RequestRefused("refused", status=reply.status)
    return Retrieved(answer=reply.body)


def driven(
    known: dict[str, VectorFields], replies: Sequence[Reply]
) -> tuple[Retrieved, list[Need]]:
    """The result of a search with these replies, and its requests."""
    search = settled(a_search, index="shop", known=known)
    left, asked = list(replies), [next(search)]
    try:
        while True:
            asked.append(search.send(left.pop(0)))
    except StopIteration as end:
        assert not left
        return end.value, asked


def test_hits_of_the_known_index_are_taken_as_they_are() -> None:
    found, asked = driven({"shop": fields("a")}, [legs("a", "a")])
    assert found.answer == legs("a", "a").body
    assert asked == [LEGS]


@pytest.mark.parametrize("moved", [("a", "b"), ("b", "a"), ("b", "b")])
def test_hits_of_another_index_are_searched_again(moved: tuple[str, ...]) -> None:
    known = {"shop": fields("a")}
    found, asked = driven(known, [legs(*moved), legs("b", "b")])
    assert found.answer == legs("b", "b").body
    assert asked == [LEGS, LEGS]
    assert known == {}


def test_an_alias_of_several_indices_is_no_switch() -> None:
    found, asked = driven({"shop": fields("a", "b")}, [legs("a", "b")])
    assert found.answer == legs("a", "b").body
    assert asked == [LEGS]


def test_of_an_unknown_name_only_hits_of_two_indices_ask_for_the_mapping() -> None:
    assert driven({}, [legs("a", "a")])[1] == [LEGS]
    known: dict[str, VectorFields] = {}
    assert driven(known, [legs("a", "b"), mapping("a", "b")])[1] == [LEGS, MAPPING]
    assert known["shop"].indices == {"a", "b"}
    mixed = [legs("a", "b"), mapping("b"), legs("b", "b")]
    assert driven({}, mixed)[0].answer == legs("b", "b").body


def test_a_mapping_that_may_not_be_read_leaves_the_answer() -> None:
    found, _ = driven({}, [legs("a", "b"), Reply(403, {})])
    assert found.answer == legs("a", "b").body


def test_a_refusal_is_tried_again_only_where_the_index_is_another_one() -> None:
    refused = Reply(400, {})
    again = [refused, mapping("b"), legs("b", "b")]
    assert driven({"shop": fields("a")}, again)[0].answer == legs("b", "b").body
    with pytest.raises(RequestRefused):
        driven({"shop": fields("a")}, [refused, mapping("a")])
    with pytest.raises(RequestRefused):
        driven({}, [refused])


def test_a_name_that_never_settles_is_answered_in_the_end() -> None:
    replies = [legs("a", "b"), mapping("c")] * 4 + [legs("a", "b")]
    found, asked = driven({}, replies)
    assert found.answer == legs("a", "b").body
    assert asked.count(LEGS) == 5
