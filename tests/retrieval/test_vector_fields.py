"""Vector fields in mappings, and the choice of the searched one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.field_types import FieldTypes
from es_hybrid.retrieval.vector_fields import REMOTE, VectorFields, vector_fields

VECTOR = {"type": "dense_vector", "dims": 8}
PASSPORT = Passport(
    vector_field="v", model="m", revision="", dims=8, similarity="cosine", query_instruction="",
    text_template=("title",), text_max_chars=100,
)  # fmt: skip


def _index(fields: dict[str, Any], passport: Passport | None = None) -> dict[str, Any]:
    meta = {"_meta": passport.to_meta()} if passport else {}
    return {"mappings": {"properties": fields, **meta}}


def test_vectors_inside_objects_count_and_those_of_nested_documents_do_not() -> None:
    fields = vector_fields(
        {
            "a": _index(
                {
                    "title": {"type": "text"},
                    "v": VECTOR,
                    "image": {"properties": {"v": VECTOR}},
                    "passages": {"type": "nested", "properties": {"v": VECTOR}},
                }
            )
        }
    )
    dims = {"image.v": 8, "v": 8}
    written = {"title": "text", "v": "dense_vector", "image": "object", "image.v": "dense_vector",
               "passages": "nested", "passages.v": "dense_vector"}  # fmt: skip
    types = FieldTypes(
        text=frozenset({"title"}),
        written={name: frozenset({kind}) for name, kind in written.items()},
    )
    expected = VectorFields(
        ("image.v", "v"), (), frozenset({"a"}), ("a",), dims, frozenset(dims), types
    )
    assert fields == expected


def test_dimensions_are_those_that_all_indices_agree_on() -> None:
    other = {**VECTOR, "dims": 16}
    empty = {"type": "dense_vector"}
    bits = {**VECTOR, "element_type": "bit"}
    one = {"agreed": VECTOR, "one_knows": VECTOR, "differ": VECTOR, "none_knows": empty}
    two = {"agreed": VECTOR, "one_knows": empty, "differ": other, "none_knows": empty}
    fields = vector_fields({"a": _index({**one, "bits": bits}), "b": _index({**two, "bits": bits})})
    assert fields.dims == {"agreed": 8, "one_knows": 8}
    assert fields.names == ("agreed", "bits", "differ", "none_knows", "one_knows")


def test_several_indices_have_in_common_what_each_of_them_has() -> None:
    fields = vector_fields({"a": _index({"v": VECTOR, "w": VECTOR}), "b": _index({"v": VECTOR})})
    assert fields.names == ("v",)
    assert fields.chosen(None, place="a,b") == "v"
    assert vector_fields({}).names == ()


def test_the_field_asked_for_need_not_be_in_every_index() -> None:
    fields = vector_fields({"a": _index({"v": VECTOR}), "b": _index({"title": {"type": "text"}})})
    assert fields.chosen("v", place="*") == "v"
    with pytest.raises(RequestRefused, match="there is no dense_vector field"):
        fields.chosen(None, place="*")


def test_without_an_index_any_field_will_do() -> None:
    assert vector_fields({}).chosen("v", place="a*") == "v"
    assert vector_fields({}).chosen(None, place="a*", preferred="embedding") == "embedding"


def test_of_another_cluster_the_field_must_be_named() -> None:
    assert REMOTE.chosen("v", place="far:a", preferred="embedding") == "v"
    assert REMOTE.passport_of("v") is None
    with pytest.raises(RequestRefused, match=r"needs a \[vector_field\]"):
        REMOTE.chosen(None, place="far:a", preferred="embedding")


def test_the_field_asked_for_comes_before_the_passport_s_and_that_before_the_only_one() -> None:
    fields = vector_fields({"a": _index({"v": VECTOR, "w": VECTOR}, PASSPORT)})
    assert fields.chosen(None, place="a") == "v"
    assert fields.chosen("w", place="a") == "w"
    assert fields.passport_of("v") == PASSPORT
    assert fields.passport_of("w") is None


@pytest.mark.parametrize(
    ("fields", "wanted", "problem"),
    [
        ({}, None, "there is no dense_vector field"),
        ({"v": VECTOR, "w": VECTOR}, None, "there is more than one dense_vector field"),
        ({"v": VECTOR}, "title", "[title] is not a dense_vector field; the index has: v"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    fields: dict[str, Any], wanted: str | None, problem: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        vector_fields({"a": _index(fields)}).chosen(wanted, place="a")
    assert problem in refused.value.message
    assert refused.value.remedy


def test_two_models_behind_one_alias_give_no_passport() -> None:
    other = replace(PASSPORT, model="other")
    fields = vector_fields(
        {"a": _index({"v": VECTOR}, PASSPORT), "b": _index({"v": VECTOR}, other)}
    )
    assert fields.passport_of("v") is None
    same = vector_fields(
        {"a": _index({"v": VECTOR}, PASSPORT), "b": _index({"v": VECTOR}, PASSPORT)}
    )
    assert same.passport_of("v") == PASSPORT
