"""Plans to add vectors to an index, on a real node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import IndexStateError, PassportMismatch
from es_hybrid.index.lifecycle import create_index, open_index
from es_hybrid.index.plan import apply_plan, plan_index
from es_hybrid.settings import EmbeddingSettings, IndexSettings, IngestSettings, Settings
from tests.fakes.embedding import EmbeddingServer

TITLE = {"properties": {"title": {"type": "text"}}}


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=64) as server:
        yield server


def embedder_of(server: EmbeddingServer, model: str = "m") -> OpenAIEmbedder:
    return OpenAIEmbedder(EmbeddingSettings(base_url=server.url, model=model))


def settings_of(index: str, fields: dict[str, str] | None = None, **section: Any) -> Settings:
    return Settings(
        index=IndexSettings(name=index, **section), ingest=IngestSettings(fields=fields or {})
    )


@pytest.mark.parametrize(
    ("mappings", "settings", "conflict"),
    [
        (
            {
                "properties": {
                    **TITLE["properties"],
                    "embedding": {"type": "dense_vector", "dims": 8},
                }
            },
            {},
            "embedding already exists as dense_vector with 8 dims: set index.vector_field",
        ),
        (
            {"properties": {**TITLE["properties"], "text_hash": {"type": "long"}}},
            {},
            "the field text_hash already exists as long",
        ),
        ({**TITLE, "_source": {"enabled": False}}, {}, "`_source` is disabled"),
        ({**TITLE, "_source": {"excludes": ["secret"]}}, {}, "`_source.excludes` hides fields"),
        (TITLE, {"blocks.write": True}, "index.blocks.write is set: remove it"),
        (TITLE, {"mapping.total_fields.limit": 2}, "the mapping has 1 of 2 fields: raise"),
        (
            {"properties": {"name": {"type": "text"}, "nr": {"type": "keyword"}}},
            {},
            'set ingest.fields, e.g. {title = "name"}; text fields: name',
        ),
        (
            {"properties": {"title": {"type": "keyword"}}},
            {},
            "product fields has type text",
        ),
    ],
)
def test_a_conflict_is_reported_and_nothing_changes(
    es: Elasticsearch,
    index_name: str,
    server: EmbeddingServer,
    mappings: dict[str, Any],
    settings: dict[str, Any],
    conflict: str,
) -> None:
    es.indices.create(index=index_name, mappings=mappings, settings=settings)
    before = es.indices.get_mapping(index=index_name).body
    plan = plan_index(es, settings_of(index_name), embedder_of(server))
    assert any(conflict in each for each in plan.conflicts), plan.conflicts
    with pytest.raises(IndexStateError):
        apply_plan(es, plan)
    assert es.indices.get_mapping(index=index_name).body == before


def test_several_indices_behind_an_alias_are_refused(
    es: Elasticsearch, index_name: str, server: EmbeddingServer
) -> None:
    for letter in "ab":
        es.indices.create(
            index=f"{index_name}-{letter}", mappings=TITLE, aliases={f"{index_name}-both": {}}
        )
    with pytest.raises(IndexStateError, match=f"name one of {index_name}-a, {index_name}-b"):
        plan_index(es, settings_of(f"{index_name}-both"), embedder_of(server))


def test_the_sample_counts_missing_titles_and_stale_vectors(
    es: Elasticsearch, index_name: str, server: EmbeddingServer
) -> None:
    es.indices.create(index=index_name, mappings=TITLE)
    for number in range(4):
        es.index(index=index_name, id=str(number), document={"title": f"T{number}"})
    es.index(index=index_name, id="4", document={}, refresh=True)
    settings, embedder = settings_of(index_name), embedder_of(server)
    plan = plan_index(es, settings, embedder)
    assert (plan.documents, plan.with_vector, plan.sampled) == (5, 0, 5)
    assert (plan.without_title, plan.stale, plan.to_embed, plan.requests) == (1, 0, 5, 1)
    assert plan.texts_per_second is not None
    apply_plan(es, plan)
    es.update(
        index=index_name, id="1", doc={"embedding": [1.0] * 64, "text_hash": "old"}, refresh=True
    )
    plan = plan_index(es, settings, embedder)
    assert (plan.with_vector, plan.stale, plan.to_embed) == (1, 1, 5)
    assert not plan.issued
    assert plan.added == {}


def test_other_fields_in_the_settings_need_a_new_passport(
    es: Elasticsearch, index_name: str, server: EmbeddingServer
) -> None:
    es.indices.create(
        index=index_name,
        mappings={"properties": {"title": {"type": "text"}, "name": {"type": "text"}}},
    )
    embedder = embedder_of(server)
    apply_plan(es, plan_index(es, settings_of(index_name), embedder))
    renamed = plan_index(es, settings_of(index_name, {"title": "name"}), embedder)
    assert renamed.issued
    assert renamed.added == {}
    apply_plan(es, renamed)
    shop = open_index(es, index_name).shop
    assert shop is not None
    assert dict(shop.fields)["title"] == "name"


def test_another_model_on_the_same_field_is_refused(
    es: Elasticsearch, index_name: str, server: EmbeddingServer
) -> None:
    es.indices.create(index=index_name, mappings=TITLE)
    settings = settings_of(index_name)
    apply_plan(es, plan_index(es, settings, embedder_of(server)))
    with pytest.raises(PassportMismatch, match=r"embedding\.model"):
        plan_index(es, settings, embedder_of(server, "another"))


def test_a_second_vector_field_is_added(
    es: Elasticsearch, index_name: str, server: EmbeddingServer
) -> None:
    first = create_index(es, settings_of(index_name), embedder_of(server))
    wider = settings_of(index_name, vector_field="wide")
    with EmbeddingServer(dims=128) as other:
        plan = plan_index(es, wider, embedder_of(other, "another"))
        assert plan.conflicts == ()
        assert set(plan.added) == {"wide", "wide_hash"}
        apply_plan(es, plan)
    assert open_index(es, index_name, vector_field="embedding") == first
    second = open_index(es, index_name, vector_field="wide")
    assert (second.dims, second.model, second.hash_field) == (128, "another", "wide_hash")
    assert second.shop is None
    with pytest.raises(IndexStateError, match="several vector fields"):
        open_index(es, index_name)
