"""The bodies of the two legs: golden files, and no shopper's text that becomes syntax."""

from __future__ import annotations

import random
from typing import Any

import pytest

from es_hybrid.retrieval.bodies import field_groups, knn_body, lexical_body, lexical_query
from tests.golden_files import assert_golden

FIELDS = ("title^2", "brand.text", "description")
GROUPS = field_groups(FIELDS, [])
FILTERS: list[dict[str, Any]] = [{"term": {"brand": "Nike"}}, {"range": {"price": {"lte": 50}}}]


def _query(text: str = "red kettle", **options: Any) -> dict[str, Any]:
    return lexical_query(
        text,
        field_groups=GROUPS,
        identifier_fields=("sku", "gtin"),
        minimum_should_match="2<75%",
        **options,
    )


def test_lexical_body() -> None:
    body = lexical_body(_query(), size=100, source={"excludes": ["embedding"]})
    assert_golden("lexical_body", body)


def test_lexical_body_with_filters_and_facets() -> None:
    query = _query(filters=FILTERS)
    assert_golden("lexical_body_filtered", lexical_body(query, size=10, facets=["brand"]))


def test_knn_body() -> None:
    body = knn_body([0.6, 0.8], field="embedding", k=10, num_candidates=50)
    assert_golden("knn_body", body)


def test_knn_body_beside_a_lexical_leg() -> None:
    body = knn_body(
        [0.6, 0.8],
        field="embedding",
        k=10,
        num_candidates=50,
        filters=FILTERS,
        lexical=_query(filters=FILTERS),
        facets=["brand", "lang"],
    )
    assert_golden("knn_body_beside_lexical", body)


def test_language_subfields_form_groups_with_the_boosts_of_their_fields() -> None:
    assert field_groups(FIELDS, ["en", "cjk"]) == [
        ["title^2", "brand.text", "description"],
        ["title.en^2", "brand.en", "description.en"],
        ["title.cjk^2", "brand.cjk", "description.cjk"],
    ]


def test_the_best_analyzer_of_several_counts() -> None:
    query = lexical_query(
        "red kettles",
        field_groups=field_groups(FIELDS, ["en"]),
        identifier_fields=(),
        minimum_should_match="2<75%",
    )
    assert_golden("lexical_query_two_analyzers", query)


def _shape(value: Any) -> Any:
    """The body with every leaf replaced by its type."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return type(value).__name__


_HOSTILE = [
    "*", "t:*", "title:(a OR b)", '{"match_all": {}}', "'; DROP", "\\", '"', "_id:1", "a~2", "a^9",
    "AND", "NOT x", "+a -b", "<script>", "\u202e", "\x00", "((((", "]]]]", "../..", "${jndi:x}",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_hostile_text_leaves_the_shape_of_the_body_alone(seed: int) -> None:
    rng = random.Random(seed)
    plain = _shape(_query("red kettle"))
    for _ in range(20):
        text = " ".join(rng.choices(_HOSTILE, k=rng.randint(1, 6)))
        query = _query(text)
        assert _shape(query) == plain
        assert query["bool"]["should"][0]["combined_fields"]["query"] == text
