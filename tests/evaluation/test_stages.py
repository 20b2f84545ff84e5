"""The stages read from one search equal separate searches, on the real node."""

from __future__ import annotations

import itertools

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.recorded import CountedEmbedder, RecordedReranker
from es_hybrid.evaluation.stages import STAGES, Stage, StageAnswers, StageSearch, open_stages
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.settings.signals import Signal
from tests.fakes.models import FakeReranker

# Words, a sentence, other languages, a trade number, and one that no product has.
TEXTS = (
    "kettle", "waterproof hiking boots for men", "Wasserkocher 1,7 l", "夏天穿的透气男装",
    "KS-170-W", "gtin 4006381333931",
)  # fmt: skip
WEIGHT, WINDOW, SIZE = 0.4, 20, 100


def score_of(text: str) -> float:
    """A score that has nothing to do with the fused order."""
    return (sum(map(ord, text)) * 7919 % 1009) / 1009


class Shop:
    """Searches of one index with the same parts and different settings."""

    def __init__(self, es: Elasticsearch, settings: Settings, embedder: LocalEmbedder) -> None:
        self._es = es
        self._embedder = embedder
        self._settings = settings.with_(rerank={"enabled": True, "weight": WEIGHT})

    def ids(
        self, text: str, *, window: int = WINDOW, size: int = SIZE, **options: object
    ) -> list[str]:
        settings = self._settings.with_(rerank={"window": window})
        search = self._open(settings, RecordedReranker(FakeReranker(score_of)))
        return [hit.id for hit in search.search(text, size=size, **options).hits]

    def by_stage(
        self, text: str, stages: tuple[Stage, ...] = STAGES, *, size: int = SIZE
    ) -> StageAnswers:
        settings = self._settings.with_(rerank={"window": WINDOW})
        reranker = RecordedReranker(FakeReranker(score_of))
        counted = CountedEmbedder(self._embedder)
        search = self._open(settings, reranker, counted)
        asked = StageSearch(
            search, counted, reranker, settings, stages=stages, size=size, depths=(5, 20, 60)
        )
        return asked.ask(Query("q", text))

    def _open(
        self,
        settings: Settings,
        reranker: RecordedReranker,
        embedder: CountedEmbedder | None = None,
    ) -> HybridSearch:
        return HybridSearch(
            self._es,
            index=settings.index.name,
            embedder=embedder or self._embedder,
            reranker=reranker,
            settings=settings,
        )


@pytest.fixture
def shop(
    es: Elasticsearch, catalogue: str, catalogue_settings: Settings, embedder: LocalEmbedder
) -> Shop:
    return Shop(es, catalogue_settings, embedder)


@pytest.fixture
def governed(
    es: Elasticsearch, catalogue: str, catalogue_settings: Settings, embedder: LocalEmbedder
) -> Shop:
    """A shop with signals."""
    signal = Signal(field="price", modifier="log1p", weight=-0.1)
    settings = catalogue_settings.with_(search={"signals": [signal]})
    return Shop(es, settings, embedder)


@pytest.mark.parametrize("text", TEXTS)
def test_signals_are_a_stage_between_fusion_and_reranker(governed: Shop, text: str) -> None:
    answers = governed.by_stage(text)
    found = {stage: [hit.id for hit in hits] for stage, hits in answers.rankings.items()}
    assert found["hybrid"] == governed.ids(text, rerank=False, signals=())
    assert found["signals"] == governed.ids(text, rerank=False)
    assert (found["signals"] != found["hybrid"]) is bool(found["hybrid"])
    assert found["reranked"] == governed.ids(text)
    for depth, ids in answers.reranked_at.items():
        assert ids == governed.ids(text, window=depth)


@pytest.mark.parametrize("text", TEXTS)
def test_each_stage_is_the_list_of_a_search_of_its_own(shop: Shop, text: str) -> None:
    answers = shop.by_stage(text)
    found = {stage: [hit.id for hit in hits] for stage, hits in answers.rankings.items()}
    assert found["bm25"] == shop.ids(text, mode="bm25", rerank=False)
    assert found["knn"] == shop.ids(text, mode="knn", rerank=False)
    assert found["hybrid"] == found["signals"] == shop.ids(text, rerank=False)
    assert found["reranked"] == shop.ids(text)
    assert answers.characters > 0


def test_a_page_is_a_part_of_what_a_stage_ranks(shop: Shop) -> None:
    rankings = shop.by_stage("kettle", size=60).rankings
    assert [len(hits) for hits in rankings.values()] == [len(rankings["bm25"]), 60, 60, 60, 60]
    assert [hit.id for hit in rankings["knn"]] == shop.ids(
        "kettle", mode="knn", rerank=False, size=60
    )


@pytest.mark.parametrize("text", TEXTS[:4])
def test_a_rerank_depth_is_the_list_of_a_search_with_that_window(shop: Shop, text: str) -> None:
    answers = shop.by_stage(text)
    assert answers.pairs == WINDOW
    assert answers.more_pairs == 60 - WINDOW
    for depth in (5, 20, 60):
        assert answers.reranked_at[depth] == shop.ids(text, window=depth)
    assert answers.reranked_at[5] != answers.reranked_at[60]


def test_a_trade_number_is_not_reranked_at_any_depth(shop: Shop) -> None:
    answers = shop.by_stage("KS-170-W")
    assert answers.rankings["hybrid"][0].id.startswith("KIT-002-")
    assert not answers.reranked_at
    assert answers.pairs == answers.more_pairs == 0


def test_only_the_searches_for_the_stages_are_made(shop: Shop) -> None:
    for stages, modes in [
        (("bm25",), ["bm25"]), (("knn",), ["knn"]), (("knn", "hybrid"), ["hybrid"]),
        (STAGES, ["bm25", "hybrid"]),
    ]:  # fmt: skip
        answers = shop.by_stage("kettle", stages)
        assert list(answers.timings) == modes
        assert tuple(answers.rankings) == stages
    assert shop.by_stage("kettle", ("bm25", "knn", "hybrid")).pairs == 0


def test_hits_have_titles_and_the_scores_of_their_stage(shop: Shop) -> None:
    rankings = shop.by_stage("kettle").rankings
    for stage, hits in rankings.items():
        assert all(hit.title for hit in hits[:10]), stage
        if stage != "reranked":  # the rest behind the window keeps its fused score
            assert all(a.score >= b.score for a, b in itertools.pairwise(hits)), stage


def test_the_stage_reranked_needs_a_reranker(catalogue: str, catalogue_settings: Settings) -> None:
    opened = open_stages(catalogue_settings, stages=["reranked"], size=10)
    with pytest.raises(EvaluationError, match="no reranker is configured"), opened:
        pass
    with open_stages(catalogue_settings, size=10) as search:
        assert search.stages == ("bm25", "knn", "hybrid")
    signals = catalogue_settings.with_(search={"signals": [Signal(seed=1)]})
    with open_stages(signals, size=10) as search:
        assert search.stages == ("bm25", "knn", "hybrid", "signals")
