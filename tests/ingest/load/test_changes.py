from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_hybrid.index.document import to_document
from es_hybrid.records import Product
from ingest.load.changes import DOCUMENT_FIELDS, Action, PreparedRow, Rules, Stored
from ingest.sources import Row

NAMES: dict[str, Any] = {
    "vector_field": "embedding",
    "hash_field": "text_hash",
    "packs_vectors": True,
}
RULES = Rules(**NAMES)
FULL = Product(
    id="1", title="T", sku="S", gtin=("1",), description="d", brand="b", category=("c",), price=1.0,
    currency="EUR", lang="en", attributes={"a": "1"},
)  # fmt: skip


def prepared(document: dict[str, Any], version: int = 100) -> PreparedRow:
    return PreparedRow(Row("p"), "1", document, "text", document["text_hash"], version)


def stored(source: dict[str, Any], version: int = 1) -> Stored:
    return Stored(source, version, seq_no=5, primary_term=1)


def merged(document: Any, patch: Any) -> Any:
    """What Elasticsearch makes of a partial update: objects are merged, the rest is replaced."""
    if not (isinstance(document, dict) and isinstance(patch, dict)):
        return patch
    return document | {name: merged(document.get(name), value) for name, value in patch.items()}


def test_every_field_of_a_document_is_compared() -> None:
    assert {*to_document(FULL, text_hash="h")} == {*DOCUMENT_FIELDS, "text_hash"}


def test_what_is_not_there_is_written_whole() -> None:
    planned = RULES.plan(prepared({"title": "T", "text_hash": "h"}), None)
    assert planned.action is Action.PUT
    assert RULES.whole(planned.row, None) == {"title": "T", "text_hash": "h"}


@pytest.mark.parametrize(
    "source",
    [
        {"title": "T", "attributes": {"a": "1"}, "text_hash": "h"},
        {"title": "T", "attributes": {"a": "1"}, "text_hash": "h", "group_id": "g", "stock": 3},
        {"title": "T", "attributes": {"a": "1", "b": None}, "text_hash": "h", "brand": None},
    ],
    ids=["equal", "with fields of others", "with nulls"],
)
def test_unchanged(source: dict[str, Any]) -> None:
    row = prepared({"title": "T", "attributes": {"a": "1"}, "text_hash": "h"})
    assert RULES.plan(row, stored(source)).action is Action.UNCHANGED


def test_a_patch_names_only_what_changed_and_what_is_gone() -> None:
    old = {
        "title": "T", "price": 2.0, "brand": "B", "attributes": {"a": "1", "b": "2"},
        "text_hash": "h", "group_id": "g",
    }  # fmt: skip
    row = prepared({"title": "T", "price": 3.0, "attributes": {"b": "9"}, "text_hash": "h"})
    planned = RULES.plan(row, stored(old))
    assert (planned.action, planned.same_text) == (Action.PATCH, True)
    patch = {"price": 3.0, "brand": None, "attributes": {"a": None, "b": "9"}}
    assert RULES.patch(row, stored(old)) == patch


def test_another_text_or_none_at_all_must_be_embedded() -> None:
    row = prepared({"title": "New", "text_hash": "h2"})
    for old in ({"title": "Old", "text_hash": "h1"}, {"title": "New"}):
        planned = RULES.plan(row, stored(old))
        assert (planned.action, planned.same_text) == (Action.PATCH, False)
        assert RULES.patch(row, stored(old))["text_hash"] == "h2"


def test_a_row_older_than_the_document_is_superseded() -> None:
    row = prepared({"title": "T", "text_hash": "h"}, version=6)
    assert RULES.plan(row, stored({"title": "T", "text_hash": "h"}, 7)).action is (
        Action.SUPERSEDED
    )
    assert RULES.plan(row, stored({"title": "T", "text_hash": "h"}, 6)).action is (Action.UNCHANGED)


def test_feed_versions_write_whole_documents_and_raise_the_version_even_of_equal_ones() -> None:
    rules = Rules(**NAMES, feed_versions=True)
    source = {"title": "T", "text_hash": "h", "group_id": "g", "brand": "B"}
    row = prepared({"title": "T", "text_hash": "h"}, version=8)
    planned = rules.plan(row, stored(source, 7))
    assert (planned.action, planned.same_text) == (Action.PUT, True)
    assert rules.whole(row, stored(source)) == {"title": "T", "text_hash": "h", "group_id": "g"}
    same = prepared({"title": "T", "text_hash": "h", "brand": "B"}, version=7)
    assert rules.plan(same, stored(source, 7)).action is Action.UNCHANGED
    assert rules.plan(same, stored(source, 6)).action is Action.PUT
    assert rules.plan(same, stored(source, 8)).action is Action.SUPERSEDED


def test_an_index_that_hides_fields_is_not_written_in_part() -> None:
    rules = Rules(**NAMES, whole_documents=True)
    row = prepared({"title": "T", "price": 2.0, "text_hash": "h"})
    assert rules.plan(row, stored({"title": "T", "text_hash": "h"})).action is Action.PUT
    unchanged = {"title": "T", "price": 2.0, "text_hash": "h"}
    assert rules.plan(row, stored(unchanged)).action is Action.UNCHANGED


_words = st.sampled_from(["x", "y", "z"])
_documents = st.fixed_dictionaries(
    {"title": _words, "text_hash": _words},
    optional={
        "brand": _words,
        "price": st.sampled_from([1.0, 2.0]),
        "gtin": st.lists(_words, min_size=1, max_size=2),
        "attributes": st.dictionaries(_words, _words, min_size=1),
    },
)


@given(st.lists(_documents, min_size=1, max_size=6))
def test_patches_lead_to_the_row_whatever_was_before(rows: list[dict[str, Any]]) -> None:
    """Merged as Elasticsearch does, and then found unchanged; what others wrote stays."""
    document: dict[str, Any] = {"stock": 3}
    for number, row in enumerate(rows):
        new = prepared(row, version=100 + number)
        document = merged(document, RULES.patch(new, stored(document)))
        assert RULES.plan(new, stored(document)).action is Action.UNCHANGED
        assert document["stock"] == 3
        bare = {name: value for name, value in document.items() if value is not None}
        attributes = {k: v for k, v in (bare.pop("attributes", None) or {}).items() if v}
        expected = dict(row)
        assert attributes == expected.pop("attributes", {})
        assert bare == expected | {"stock": 3}
