"""`es-hybrid index dims` on a real index, compared with exact search in numpy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk, pack_dense_vector

from es_hybrid.cli import main
from es_hybrid.embedding import open_embedder
from es_hybrid.evaluation.dims import SCRATCH_PREFIX
from es_hybrid.index.lifecycle import create_index
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, IndexSettings, Settings
from tests.fakes.embedding import EmbeddingServer, vector_of

Dims = Callable[..., Result]

FULL, CUT = 128, 64
TITLES = [f"Kettle no. {number}" for number in range(60)]


def nearest(title: str, dims: int, depth: int = 10) -> list[str]:
    """Ids of the nearest products, by numpy."""
    scores = np.stack([vector_of(other, dims) for other in TITLES]) @ vector_of(title, dims)
    return [str(number) for number in np.argsort(-scores)[:depth]]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=FULL) as running:
        yield running


@pytest.fixture
def shop(es: Elasticsearch, index_name: str, server: EmbeddingServer) -> Settings:
    """An index of products, whose vectors embed their titles."""
    settings = Settings(
        index=IndexSettings(name=index_name),
        embedding=EmbeddingSettings(base_url=server.url, query_instruction=""),
    )
    create_index(es, settings, open_embedder(settings.embedding), name=index_name)
    documents = (
        {"_id": str(n), "title": title, "embedding": pack_dense_vector(vector_of(title, FULL))}
        for n, title in enumerate(TITLES)
    )
    bulk(es, documents, index=index_name, refresh=True)
    return settings


@pytest.fixture
def run_dims(
    node: EmbeddedNode, shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Dims:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, base_url: str | None = shop.embedding.base_url) -> Result:
        monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", base_url or "")
        monkeypatch.setenv("ES_HYBRID_EMBEDDING__QUERY_INSTRUCTION", "")
        target = ("--url", node.url, "--index", shop.index.name)
        return CliRunner().invoke(main, ["index", "dims", *target, *arguments])

    return run


def scratch_indices(es: Elasticsearch) -> list[str]:
    return list(es.indices.get(index=f"{SCRATCH_PREFIX}*"))


def test_titles_find_their_products_and_recall_is_that_of_exact_search(
    es: Elasticsearch, run_dims: Dims, tmp_path: Path
) -> None:
    types = ("--type", "int8_hnsw", "--type", "bbq_hnsw")
    result = run_dims("--dims", str(CUT), *types, "--json", "--plot", "dims.png")
    assert result.exit_code == 0, result.output
    assert "NOT YOUR SHOPPERS' QUERIES: 60 titles" in result.stderr
    answer = json.loads(result.stdout)
    assert (answer["products"], answer["queries"]) == (60, 60)
    rows = {(row["dims"], row["vector_type"]): row for row in answer["results"]}
    assert list(rows) == [
        (dims, kind) for dims in (FULL, CUT) for kind in ("flat", "int8_hnsw", "bbq_hnsw")
    ]
    for (_, kind), row in rows.items():
        assert row["ndcg"] == pytest.approx(1.0)
        assert row["recall_10"] == 1.0 if kind == "flat" else 0.9 < row["recall_10"] <= 1.0
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        # Other things than vectors lie in an index too.
        assert row["index_bytes"] > 0.9 * row["disk_bytes"]
    assert rows[FULL, "flat"]["kept"] == 1.0
    assert rows[FULL, "int8_hnsw"]["memory_bytes"] == 60 * (FULL + 16 + 64)
    assert answer["choice"] == {"dims": CUT, "vector_type": "bbq_hnsw"}
    assert (tmp_path / "dims.png").read_bytes().startswith(b"\x89PNG")
    assert not scratch_indices(es)


def test_judged_queries_are_measured_by_their_judgements(run_dims: Dims, tmp_path: Path) -> None:
    asked = {f"q{n}": f"a kettle for {n}" for n in range(30)}
    third = {id_: nearest(text, FULL)[2] for id_, text in asked.items()}
    queries, qrels = tmp_path / "queries.tsv", tmp_path / "qrels.txt"
    queries.write_text("".join(f"{id_}\t{text}\n" for id_, text in asked.items()))
    qrels.write_text("".join(f"{id_} 0 {best} 1\n" for id_, best in third.items()))
    judged = ("--queries", str(queries), "--qrels", str(qrels))
    options = ("--dims", str(CUT), "--type", "int8_hnsw", "--json")
    answer = json.loads(run_dims(*judged, *options).stdout)
    exact, _, cut, _ = answer["results"]
    assert exact["ndcg"] == pytest.approx(0.5)  # 1 / log2(3 + 1)
    gains = []
    for id_, text in asked.items():
        ranks = nearest(text, CUT)
        gains.append(1 / np.log2(ranks.index(third[id_]) + 2) if third[id_] in ranks else 0.0)
    assert cut["ndcg"] == pytest.approx(np.mean(gains))
    kept = [len({*nearest(text, CUT)} & {*nearest(text, FULL)}) / 10 for text in asked.values()]
    assert cut["kept"] == pytest.approx(np.mean(kept))
    assert not answer["notes"]

    few = json.loads(run_dims(*judged, *options, "--documents", "10").stdout)
    assert 10 <= few["products"] <= 40
    assert few["products"] >= len(set(third.values()))
    assert "of 60 products" in few["notes"][0]


def test_the_table_ends_with_lines_for_the_settings_file(run_dims: Dims) -> None:
    result = run_dims("--type", "int8_hnsw", "--documents", "30")
    assert result.exit_code == 0, result.output
    assert "exact (flat)" in result.stdout
    assert f'[embedding]\ndims = {FULL}\n\n[index]\nvector_type = "int8_hnsw"\n' in result.stdout
    assert "plot: es-hybrid-dims.png" in result.stdout


def test_another_embedder_and_queries_without_qrels_are_refused(run_dims: Dims) -> None:
    with EmbeddingServer(dims=32) as other:
        result = run_dims(base_url=other.url)
    assert result.exit_code == 2
    assert "dims 128" in result.stderr
    assert "dims 32" in result.stderr
    result = run_dims("--queries", "q.tsv")
    assert result.exit_code == 2
    assert "--queries and --qrels must be given together" in result.stderr


def test_an_index_without_vectors_is_refused(
    es: Elasticsearch, shop: Settings, run_dims: Dims
) -> None:
    empty = f"{shop.index.name}-empty"
    create_index(es, shop, open_embedder(shop.embedding), name=empty)
    result = run_dims("--index", empty)
    assert result.exit_code == 2
    assert "no document has a vector; load products first" in result.stderr
