"""Documents: their fields, their embedded text and their vectors."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from es_hybrid.index.document import (
    embedding_text,
    from_document,
    numbers_of,
    read_vector,
    text_hash,
    to_document,
    write_vector,
)
from es_hybrid.records import Product

PRODUCT = Product(
    id="1",
    title="Kettle",
    sku="K-1",
    gtin=("0012345678905",),
    category=("Kitchen", "Kettles"),
    price=19.5,
    currency="EUR",
    lang="en",
    attributes={"colour": "red"},
)


def test_a_document_and_back() -> None:
    document = to_document(PRODUCT, text_hash="h")
    assert document["text_hash"] == "h"
    assert document["category"] == ["Kitchen", "Kitchen > Kettles"]
    assert "description" not in document
    assert from_document("1", document) == PRODUCT


@pytest.mark.parametrize("packed", [True, False])
def test_a_vector_survives_both_forms(packed: bool) -> None:
    vector = np.array([0.1, -2.5, 3e-8], dtype=np.float32)
    written = write_vector(vector, packed=packed)
    assert isinstance(written, str) == packed
    assert read_vector(json.loads(json.dumps(written))).tolist() == vector.tolist()


def test_numbers_are_no_longer_than_a_float32_needs() -> None:
    vector = np.random.default_rng(1).normal(size=(4096, 2)).astype(np.float32)[:, 0]
    numbers = numbers_of(vector)
    assert np.array(numbers, dtype=np.float32).tolist() == vector.tolist()
    assert len(json.dumps(numbers)) < 0.65 * len(json.dumps(vector.tolist()))


def test_a_packed_vector_is_big_endian() -> None:
    written = write_vector(np.array([0.5, 1.0], dtype=np.float32), packed=True)
    assert base64.b64decode(str(written)) == np.array([0.5, 1.0], dtype=">f4").tobytes()


def test_the_embedded_text_follows_the_template_and_leaves_out_what_is_empty() -> None:
    template = ("title", "brand", "category", "attributes", "price", "description")
    text = embedding_text(PRODUCT, template=template, max_chars=2000)
    assert text == "Kettle. Kitchen Kettles. colour: red. 19.5 EUR"


def test_a_long_text_is_cut_at_a_white_space() -> None:
    product = Product(id="1", title="word " * 100)
    text = embedding_text(product, template=("title",), max_chars=102)
    assert len(text) <= 102
    assert text.endswith("word")
    assert (
        len(embedding_text(Product(id="1", title="字" * 500), template=("title",), max_chars=100))
        == 100
    )


def test_the_hash_changes_with_the_text_only() -> None:
    assert text_hash("a") == text_hash("a")
    assert text_hash("a") != text_hash("b")
    assert len(text_hash("a")) == 64
