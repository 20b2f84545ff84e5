"""The index body."""

from __future__ import annotations

from dataclasses import replace

from es_hybrid.index.body import index_body
from es_hybrid.index.passport import Passport
from es_hybrid.settings import IndexSettings
from tests.golden_files import assert_golden

PASSPORT = Passport(
    vector_field="embedding",
    model="m",
    revision="",
    dims=64,
    similarity="cosine",
    query_instruction="",
    text_template=("title",),
    text_max_chars=2000,
)


def test_body_without_languages() -> None:
    assert_golden("index_body", index_body(IndexSettings(), passport=PASSPORT))


def test_body_follows_the_settings() -> None:
    settings = IndexSettings(
        shards=3,
        replicas=1,
        similarity="dot_product",
        vector_type="bbq_hnsw",
        vector_field="v",
    )
    body = index_body(settings, passport=replace(PASSPORT, languages=("cjk", "en")))
    assert_golden("index_body_two_languages", body)
