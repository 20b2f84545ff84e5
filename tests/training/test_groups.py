"""Training groups from the hits of a search."""

import random

from es_hybrid.retrieval.request import Mode
from training.catalogue import Item
from training.groups import Group, make_groups
from training.queries import MadeQuery, Wanted

ITEMS = [
    Item(str(n), f"Acme {kind} {n}", f"acme {kind} {n}", "acme", kind, frozenset([family]))
    for family, kind in enumerate(("mouse", "mouse pad"))
    for n in range(family * 5, family * 5 + 5)
]
MOUSE = MadeQuery("鼠标", "zh", "mouse", Wanted(family=0))


def found(query: str, mode: Mode) -> list[str]:
    """Words find the pads by the English name, vectors the mice by the query itself."""
    return {("mouse", "bm25"): ["7", "8"], ("鼠标", "knn"): ["0", "7", "1"]}[query, mode]


def test_a_group_has_lexical_look_alikes_and_vector_hits() -> None:
    (group,) = make_groups([MOUSE], ITEMS, found, random.Random(0))

    assert group.bad == (("Acme mouse pad 7", 0.0), ("Acme mouse pad 8", 0.0))
    # The lists hold two of the five mice; the rest come from the catalogue.
    assert dict(group.good) == {f"Acme mouse {n}": 1.0 for n in range(5)}
    assert len(group.good) == 5


def test_a_query_without_good_and_bad_documents_makes_no_group() -> None:
    keyboard = MadeQuery("keyboard", "en", "mouse", Wanted(family=0))

    assert make_groups([keyboard], ITEMS, lambda query, mode: [], random.Random(0)) == []


def test_a_sample_has_documents_of_each_grade() -> None:
    group = Group("q", "en", (("a", 1.0),) * 9, (("b", 0.4),) * 9, (("c", 0.0),) * 9)

    drawn = [text for text, _ in group.drawn(random.Random(0))]

    assert drawn == ["a", "a", "b", "c", "c", "c"]
