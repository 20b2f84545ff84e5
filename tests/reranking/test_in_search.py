"""A search with a real reranker: an exported tiny Qwen3, and a rerank server over a socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from es_hybrid.cli import main
from es_hybrid.errors import RequestRefused, RerankError
from es_hybrid.node import EmbeddedNode
from es_hybrid.reranking import Reranker, open_reranker
from es_hybrid.reranking.export import export
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.retrieval.response import StageRank
from es_hybrid.search import HybridSearch
from es_hybrid.settings import RerankSettings, Settings, load_settings
from tests.conftest import CATALOGUE_INDEX
from tests.fakes.http import Answer, dead_url, json_answer
from tests.fakes.reranking import RerankServer, by_chance, by_overlap, serving_model

QUERY = "electric kettle"


@pytest.fixture(scope="module")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    export(str(checkpoint), folder)
    return folder


@pytest.fixture(scope="module")
def settings(node: EmbeddedNode, catalogue: str) -> Settings:
    return load_settings(flags={"elasticsearch": {"url": node.url}, "index": {"name": catalogue}})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Reranker]:
    """The rerankers that searches have opened."""
    rerankers: list[Reranker] = []

    def open_recorded(settings: RerankSettings) -> Reranker | None:
        reranker = open_reranker(settings)
        rerankers.extend(filter(None, [reranker]))
        return reranker

    monkeypatch.setattr("es_hybrid.search.open_reranker", open_recorded)
    return rerankers


def _reranked(settings: Settings, **rerank: Any) -> Settings:
    chosen = RerankSettings.model_validate({"window": 12, "canaries": False, **rerank})
    return settings.model_copy(update={"rerank": chosen})


def test_the_first_hits_are_in_the_order_of_the_model_scores(
    settings: Settings, model: Path
) -> None:
    with HybridSearch.open(_reranked(settings, model=model)) as shop:
        response = shop.search(QUERY, size=20)
    with HybridSearch.open(settings) as shop:
        fused = shop.search(QUERY, size=20, rerank=False).hits
    assert response.degraded == ()
    assert response.reranked == 12
    assert response.timings["rerank"] > 0
    top = response.hits[:12]
    assert {hit.id for hit in top} == {hit.id for hit in fused[:12]}
    assert [hit.id for hit in response.hits[12:]] == [hit.id for hit in fused[12:]]
    documents = [
        ". ".join(
            filter(None, [hit.source["title"].rstrip(". "), hit.source.get("brand", ""),
                          hit.source["category"][-1].replace(" > ", " "),
                          hit.source["description"].rstrip(". ")])
        )
        for hit in top
    ]  # fmt: skip
    scores = OnnxReranker(model).score(QUERY, documents, settings.rerank.instruction_for())
    assert [hit.score for hit in top] == pytest.approx(scores.tolist(), abs=1e-6)
    assert sorted(scores, reverse=True) == scores.tolist()


def test_the_command_shows_a_rerank_column(
    settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ES_HYBRID_RERANK__MODEL", str(model))
    monkeypatch.setenv("ES_HYBRID_RERANK__CANARIES", "false")  # its weights are random
    target = ("--url", str(settings.elasticsearch.url), "--index", CATALOGUE_INDEX)
    result = CliRunner().invoke(main, ["search", QUERY, *target, "--json"])
    assert result.exit_code == 0, result.output
    hits = json.loads(result.stdout)["hits"]
    assert [hit["stages"]["rerank"]["rank"] for hit in hits] == list(range(1, 11))
    shown = CliRunner().invoke(main, ["search", QUERY, *target]).stdout
    header = next(line.split() for line in shown.splitlines() if "title" in line.split())
    assert header[-1] == "rerank"


def test_the_error_names_a_folder_that_is_not_a_model(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(RerankError) as caught:
        HybridSearch.open(_reranked(settings, model=tmp_path))
    assert str(tmp_path) in str(caught.value)


def _last_first(body: dict[str, Any]) -> Answer:
    """In the form of Cohere; the last document gets the best score."""
    count = len(body["documents"])
    scored = [{"index": index, "relevance_score": (index + 1) / count} for index in range(count)]
    return json_answer(200, {"results": scored[::-1]})


def test_a_search_that_cannot_be_opened_closes_its_reranker(
    settings: Settings, index_name: str, opened: list[Reranker]
) -> None:
    missing = _reranked(settings, url=dead_url()).with_(index={"name": index_name})
    with pytest.raises(RequestRefused, match="no such index"):
        HybridSearch.open(missing)
    with pytest.raises(RuntimeError, match="closed"):
        opened[0].score("q", ["a"])


def test_a_rerank_server_closed_with_the_search(settings: Settings, opened: list[Reranker]) -> None:
    with HybridSearch.open(settings) as shop:
        fused = [hit.id for hit in shop.search(QUERY, size=12, rerank=False).hits]
    with (
        RerankServer(_last_first) as server,
        HybridSearch.open(_reranked(settings, url=server.url)) as shop,
    ):
        response = shop.search(QUERY, size=12)
    assert [hit.id for hit in response.hits] == fused[::-1]
    assert response.hits[0].stages["rerank"] == StageRank(1, 1.0)
    with pytest.raises(RuntimeError, match="closed"):
        opened[-1].score("q", ["a"])


def test_a_dead_rerank_server_is_reported_and_costs_no_hits(settings: Settings) -> None:
    dead = _reranked(settings, url="http://127.0.0.1:1/v1/rerank")
    with HybridSearch.open(dead) as shop:
        response = shop.search(QUERY)
    assert len(response.hits) == 10
    assert response.reranked == 0
    assert response.degraded[0].startswith("rerank: cannot be reached")


@pytest.mark.parametrize("checked", [True, False])
def test_a_server_that_fails_its_canaries_is_used_only_if_they_are_off(
    settings: Settings, checked: bool
) -> None:
    with HybridSearch.open(settings) as shop:
        fused = [hit.id for hit in shop.search(QUERY, size=12, rerank=False).hits]
    with (
        RerankServer(serving_model(by_chance)) as server,
        HybridSearch.open(_reranked(settings, url=server.url, canaries=checked)) as shop,
    ):
        # More than the failures after which a part is probed and paused: the cause stays.
        responses = [shop.search(QUERY, size=12) for _ in range(12)]
    for response in responses:
        assert response.reranked == (0 if checked else 12)
        assert ([hit.id for hit in response.hits] == fused) is checked
        assert len(response.degraded) == (1 if checked else 0)
        assert all("head is random" in line for line in response.degraded)


def test_a_query_in_a_language_whose_canaries_fail_keeps_its_order(settings: Settings) -> None:
    def model(query: str, documents: Sequence[str]) -> list[float]:
        return (by_overlap if max(query) < "\u3000" else by_chance)(query, documents)

    with (
        RerankServer(serving_model(model)) as server,
        HybridSearch.open(_reranked(settings, url=server.url, canaries=True)) as shop,
    ):
        assert shop.search(QUERY).reranked == 12
        skipped = shop.search("不锈钢电热水壶")
    assert skipped.reranked == 0
    assert skipped.degraded == ()
