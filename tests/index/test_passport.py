"""The passport: what it compares, and what the canaries detect."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import pytest

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import IndexStateError, PassportMismatch
from es_hybrid.index.passport import (
    check_identity,
    check_writing,
    choose_passport,
    issue_passport,
    passports_of,
    passports_to_meta,
)
from es_hybrid.index.shop_fields import ShopFields, WordField
from es_hybrid.settings import EmbeddingSettings, Settings
from tests.fakes.embedding import EmbeddingServer, another_model, embeddings_body, vector_of
from tests.fakes.http import json_answer

SETTINGS = Settings()
TEMPLATE, MAX_CHARS = SETTINGS.ingest.text_template, SETTINGS.ingest.text_max_chars


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=64) as server:
        yield server


@pytest.fixture
def embedder(server: EmbeddingServer) -> Iterator[OpenAIEmbedder]:
    embedder = OpenAIEmbedder(EmbeddingSettings(base_url=server.url, model="m"))
    yield embedder
    embedder.close()


def test_a_passport_survives_the_mapping(embedder: OpenAIEmbedder) -> None:
    passport = issue_passport(SETTINGS, embedder, languages=["en"])
    assert passports_of({"_meta": passport.to_meta(), "properties": {}}) == (passport,)
    assert passport.dims == 64
    assert len(passport.canaries) == 3
    assert passports_of({"properties": {}}) == ()


def test_two_passports_of_a_shops_index_survive_the_mapping(
    embedder: OpenAIEmbedder,
) -> None:
    shop = ShopFields(
        fields=(("title", "name.de"),),
        words=(WordField("german", "title", "name.de"),),
        keywords=(("sku", "nr"),),
    )
    first = issue_passport(SETTINGS, embedder, languages=[], shop=shop)
    second = dataclasses.replace(first, vector_field="other", hash_field="other_hash", model="n")
    meta = json.loads(json.dumps(passports_to_meta([first, second])))
    assert passports_of({"_meta": meta}) == (first, second)


def test_a_passport_records_what_queries_and_documents_are_sent_as(server: EmbeddingServer) -> None:
    settings = EmbeddingSettings(
        base_url=server.url,
        query_template="nomic",
        document_template="nomic",
        query_parameters={"task": "q"},
        document_parameters={"truncate": "END", "task": "d"},
    )
    embedder = OpenAIEmbedder(settings)
    passport = issue_passport(SETTINGS, embedder, languages=[])
    embedder.close()
    assert server.texts[-1].startswith("search_document: "), "canaries are documents"
    assert passports_of({"_meta": json.loads(json.dumps(passport.to_meta()))}) == (passport,)
    assert passport.identity == embedder.identity
    assert passport.identity.query_form == """'search_query: {text}' with {"task": "q"}"""
    assert passport.identity.document_form == (
        """'search_document: {text}' with {"task": "d", "truncate": "END"}"""
    )


# As releases wrote it that knew only the form of Qwen.
OLD = {
    "vector_field": "embedding", "model": "Qwen/Qwen3-Embedding-0.6B", "revision": "", "dims": 64,
    "similarity": "cosine", "query_instruction": "Find the product", "text_template": ["title"],
    "text_max_chars": 2000, "languages": [], "canaries": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "fits"),
    [("Qwen/Qwen3-Embedding-0.6B", True), ("BAAI/bge-m3", True), ("intfloat/e5-base", False)],
)
def test_a_passport_without_templates_fits_if_documents_have_none(
    server: EmbeddingServer, model: str, fits: bool
) -> None:
    (old,) = passports_of({"_meta": {"es_hybrid": OLD | {"model": model}}})
    assert old.identity.query_form == repr("Instruct: Find the product\nQuery:{text}")
    embedder = OpenAIEmbedder(EmbeddingSettings(base_url=server.url, model=model))
    identity = embedder.identity
    embedder.close()
    if fits:
        check_identity(old, identity, index="i")
    else:
        with pytest.raises(PassportMismatch, match=r"set embedding\.document_template as in the"):
            check_identity(old, identity, index="i")


def test_an_older_release_can_read_a_passport_of_qwen(server: EmbeddingServer) -> None:
    embedder = OpenAIEmbedder(EmbeddingSettings(base_url=server.url))
    stored = issue_passport(SETTINGS, embedder, languages=["en"]).stored()
    embedder.close()
    assert set(stored) == set(OLD)


def test_the_vector_field_chooses_among_several_passports(embedder: OpenAIEmbedder) -> None:
    first = issue_passport(SETTINGS, embedder, languages=[])
    second = dataclasses.replace(first, vector_field="other")
    assert choose_passport([first, second], "other", place="index i") is second
    assert choose_passport([first], "other", place="index i") is first
    for passports, problem in (
        ([], "no es-hybrid passport"),
        (
            [first, second],
            "the index has several vector fields: embedding (.*), other (.*); set index.v",
        ),
        ([first, dataclasses.replace(first, model="n")], "indices with different passports"),
    ):
        with pytest.raises(IndexStateError, match=problem):
            choose_passport(passports, "third", place="index i")


def test_a_load_into_a_shops_own_index_is_refused(embedder: OpenAIEmbedder) -> None:
    passport = issue_passport(SETTINGS, embedder, languages=[], shop=ShopFields(fields=()))
    with pytest.raises(IndexStateError, match="es-hybrid ingest backfill"):
        check_writing(passport, embedder, index="i", template=TEMPLATE, max_chars=MAX_CHARS)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"revision": "2"},
        {"dims": 128},
        {"document_template": "passage: {text}"},
        {"document_parameters": '{"input_type": "document"}'},
    ],
)
def test_another_embedder_is_refused_with_both_sides_named(
    embedder: OpenAIEmbedder, change: dict[str, object]
) -> None:
    passport = issue_passport(SETTINGS, embedder, languages=[])
    check_identity(passport, embedder.identity, index="i")
    (name, stored), *_ = change.items()
    other = dataclasses.replace(passport, **change)  # type: ignore[arg-type]
    with pytest.raises(PassportMismatch) as caught:
        check_identity(other, embedder.identity, index="i")
    for word in ("index i", name, repr(stored), repr(getattr(passport, name))):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("template", "max_chars"), [(("title",), MAX_CHARS), (TEMPLATE, MAX_CHARS + 1)]
)
def test_another_text_template_is_refused(
    embedder: OpenAIEmbedder, template: tuple[str, ...], max_chars: int
) -> None:
    passport = issue_passport(SETTINGS, embedder, languages=[])
    check_writing(passport, embedder, index="i", template=TEMPLATE, max_chars=MAX_CHARS)
    with pytest.raises(PassportMismatch, match="the index was written with"):
        check_writing(passport, embedder, index="i", template=template, max_chars=max_chars)


def test_the_canaries_detect_another_model_with_the_same_name(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    passport = issue_passport(SETTINGS, embedder, languages=[])
    server.fault = another_model(64)
    with pytest.raises(PassportMismatch, match="vectors have changed since the index"):
        check_writing(passport, embedder, index="i", template=TEMPLATE, max_chars=MAX_CHARS)


def test_the_noise_of_half_precision_passes(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    passport = issue_passport(SETTINGS, embedder, languages=[])
    server.fault = lambda request, number: json_answer(
        200,
        embeddings_body(
            [vector_of(text, 64).astype(np.float16).astype(np.float32) for text in request["input"]]
        ),
    )
    check_writing(passport, embedder, index="i", template=TEMPLATE, max_chars=MAX_CHARS)
    assert len(server.requests) >= 3
