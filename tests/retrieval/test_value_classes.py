"""A search that names its shopper's languages: what it reads, and what its filters mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.needs import Call, Reply
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.value_classes import with_classes
from es_hybrid.understanding.value_classes import (
    NO_CLASSES,
    ValueClass,
    ValueClasses,
    class_document,
)

NIKE = ValueClass(
    id="brand=Nike", field="brand", labels={"en": "Nike", "zh": "耐克"}, values=("Nike", "耐克")
)
# The answers to both requests in one.
READ: dict[str, Any] = {
    "docs": [{"found": True, "_source": class_document([NIKE])}],
    "aggregations": {"brand": {"doc_count": 7, "all": {"value": 7}}},
}


def _with(
    context: Context, answered: Mapping[str, Any] = READ, status: int = 200, **options: Any
) -> tuple[SearchRequest, ValueClasses, list[Call]]:
    """The request, the classes, and what was asked of Elasticsearch."""
    steps = with_classes(SearchRequest(text="shoes", **options), context)
    calls: list[Call] = []
    answer: Reply | None = None
    while True:
        try:
            need = steps.send(answer)
            assert isinstance(need, Call)
            calls.append(need)
            answer = Reply(status, answered)
        except StopIteration as end:
            return (*end.value, calls)


def test_nothing_is_read_without_languages_or_without_facets_and_filters() -> None:
    for options in ({"facets": ["brand"], "filters": {"brand": "耐克"}}, {"display_lang": ["en"]}):
        request, classes, calls = _with(Context(index="products"), **options)
        assert (classes, calls) == (NO_CLASSES, [])
        assert request == SearchRequest(text="shoes", **options)


def test_classes_are_read_once_for_each_name() -> None:
    context = Context(index="products,more")
    _, classes, calls = _with(context, facets=["brand"], display_lang=["en"])
    assert classes.of("brand") == [NIKE]
    assert [(call.method, call.path) for call in calls] == [
        ("POST", "/es-hybrid-values/_mget"), ("POST", "/products,more/_search"),
    ]  # fmt: skip
    assert calls[0].body == {"ids": ["more", "products"]}
    assert _with(context, facets=["brand"], display_lang=["zh"])[1:] == (classes, [])


def test_a_field_is_single_if_it_has_as_many_values_as_products() -> None:
    several = {**READ, "aggregations": {"brand": {"doc_count": 7, "all": {"value": 8}}}}
    for answer, single in ((READ, {"brand"}), (several, set())):
        _, classes, _ = _with(
            Context(index="products"), answer, facets=["brand"], display_lang=["en"]
        )
        assert classes.single == single


def test_a_caller_who_may_not_read_them_searches_as_before() -> None:
    context = Context(index="products")
    for status in (403, 404):
        request, classes, _ = _with(
            context, {}, status, filters={"brand": "耐克"}, display_lang=["en"]
        )
        assert (request.filters, classes) == ({"brand": "耐克"}, NO_CLASSES)


def test_a_value_means_its_class_in_every_form_of_a_filter() -> None:
    both = ["Nike", "耐克"]
    for written, meant in (
        ("耐克", both),
        ("Puma", "Puma"),
        (["Puma", "耐克", "Nike"], ["Puma", *both]),
        ({"not": "Nike"}, {"not": both}),
        ({"not": {"not": ["耐克"]}}, {"not": {"not": both}}),
        ([{"not": "Nike"}, "Puma"], [{"not": both}, "Puma"]),
        ({"exists": True}, {"exists": True}),
        ({"gte": "Nike"}, {"gte": "Nike"}),
        (7, 7),
    ):
        for name in ("filters", "selected"):
            options: dict[str, Any] = {
                name: {"brand": written, "lang": "Nike"},
                "display_lang": ["en"],
            }
            request, _, _ = _with(Context(index="products"), **options)
            assert getattr(request, name) == {"brand": meant, "lang": "Nike"}
