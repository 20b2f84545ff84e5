"""Full text and exact fields in mappings."""

from __future__ import annotations

from typing import Any

from es_hybrid.retrieval.field_types import FieldTypes, field_types

MAPPING: dict[str, Any] = {
    "runtime": {"margin": {"type": "double"}},
    "properties": {
        "title": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "brand": {"type": "keyword", "fields": {"text": {"type": "text"}}},
        "suggest": {"type": "search_as_you_type"},
        "name": {"properties": {"en": {"type": "text"}, "code": {"type": "keyword"}}},
        "attributes": {"type": "flattened"},
        "categories": {"type": "nested", "properties": {"id": {"type": "integer"}}},
        "maker": {"type": "alias", "path": "brand"},
        "label": {"type": "alias", "path": "title"},
        "lost": {"type": "alias", "path": "nowhere"},
        "embedding": {"type": "dense_vector", "dims": 3},
    },
}


def test_each_field_has_the_type_of_its_mapping() -> None:
    types = field_types([MAPPING])
    assert types.text == {"title", "brand.text", "suggest", "name.en", "label"}
    assert types.exact == {
        "title.keyword", "brand", "name.code", "attributes", "categories.id", "maker", "margin",
        "lost",
    }  # fmt: skip


def test_parts_of_a_field_are_what_the_field_is() -> None:
    types = field_types([MAPPING])
    assert types.is_text("suggest._2gram")
    assert types.is_exact("attributes.colour.shade")
    assert types.is_exact("title.keyword")
    assert not types.is_text("title.keyword")
    for name in ("unknown", "name", "name.unknown", "embedding"):
        assert not types.is_text(name)
        assert not types.is_exact(name)


def test_a_field_that_one_index_analyzes_is_text() -> None:
    other = {"properties": {"brand": {"type": "text"}, "sku": {"type": "keyword"}}}
    types = field_types([MAPPING, other])
    assert types.is_text("brand")
    assert types.is_exact("sku")
    assert field_types([]) == FieldTypes()


def test_runtime_fields_of_a_search_hide_those_of_the_mapping() -> None:
    types = field_types([MAPPING]).with_runtime(["title", "new"])
    assert types.is_exact("title")
    assert types.is_exact("new")
