"""The offline search has the order of the live search, and asks each thing once."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import EvaluationError, RerankError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.tuning.live import LiveCheck
from es_hybrid.evaluation.tuning.offline import OfflineSearch
from es_hybrid.evaluation.tuning.space import SettingsChange, applied, draw, space_of
from es_hybrid.merchandising.rules.rule import parse_rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.settings import Settings
from es_hybrid.settings.signals import Signal
from tests.fakes.models import FakeReranker

TEXTS = ("wireless mouse", "Wasserkocher 1,7 l", "KIT-002", "T-shirt homme", "充电器", "kettel")


@pytest.fixture
def reranking(catalogue: str, catalogue_settings: Settings) -> Settings:
    return catalogue_settings.with_(rerank={"enabled": True})


def check_of(
    es: Elasticsearch, settings: Settings, embedder: LocalEmbedder, reranker: FakeReranker | None
) -> LiveCheck:
    offline = OfflineSearch(es, settings=settings, embedder=embedder, reranker=reranker)
    return LiveCheck(
        client=es, settings=settings, embedder=embedder, reranker=reranker, offline=offline
    )


@pytest.mark.parametrize("reranker", [None, FakeReranker()])
def test_the_order_is_that_of_the_live_search(
    es: Elasticsearch, reranking: Settings, embedder: LocalEmbedder, reranker: FakeReranker | None
) -> None:
    space = space_of(reranking, reranks=reranker is not None, instructed=True)
    changes = draw(space, reranking, trials=6, seed=5)
    check = check_of(es, reranking, embedder, reranker)
    queries = [Query(text, text) for text in TEXTS]
    assert check.compare(changes, queries) == 36
    found = [check.offline.first_hits(text, settings_of(reranking, changes)) for text in TEXTS]
    # The settings make a difference, else equal orders would prove nothing.
    assert sum(len({*orders}) for orders in found) > 12


def test_rules_signals_and_limits_apply_as_in_the_live_search(
    es: Elasticsearch, reranking: Settings, embedder: LocalEmbedder, rule_store: RuleStore
) -> None:
    for id_, query, actions in [
        ("pinned", "wireless mouse", {"pin": ["COM-009-en"], "exclude": ["COM-008-de"]}),
        ("replaced", "Wasserkocher 1,7 l", {"replace": "espresso", "filter": {"lang": "en"}}),
        ("routed", "充电器", {"route": {"mode": "bm25", "rerank": False}}),
    ]:
        criteria = [{"type": "exact", "values": [query]}]
        rule = parse_rule({"id": id_, "criteria": criteria, "actions": actions})
        rule_store.put(rule, author="ann")
    reranker = FakeReranker(lambda text: len(text) % 97 / 97)
    signals = (Signal(field="price", modifier="log1p", weight=0.1),)
    changes: list[SettingsChange] = [
        {},
        {"search.knn_weight": 2.0},
        {"rerank.enabled": False},
        {"search.signals": signals},
        {"search.limit_per": {"brand": 2}, "search.diversity": 0.3},
    ]
    check = check_of(es, reranking, embedder, reranker)
    assert check.compare(changes, [Query(text, text) for text in TEXTS]) == 30
    # A page with pins is read on a point in time, which leaves of other settings need, too.
    moved = reranking.with_(search={"signals": signals})
    found = check.offline.first_hits("wireless mouse", [reranking, moved])
    assert [ids[0] for ids in found] == ["COM-009-en", "COM-009-en"]


def settings_of(settings: Settings, changes: list[SettingsChange]) -> list[Settings]:
    return [applied(settings, change) for change in changes]


def test_only_what_changes_a_leaf_is_asked_anew(
    es: Elasticsearch, reranking: Settings, embedder: LocalEmbedder
) -> None:
    reranker = FakeReranker()
    offline = OfflineSearch(es, settings=reranking, embedder=embedder, reranker=reranker)

    def asked(*changes: SettingsChange) -> int:
        before = offline.asked
        offline.first_hits("wireless mouse", settings_of(reranking, [{}, *changes]))
        return offline.asked - before

    present = asked()
    present = min(present, asked())  # the first search asks twice, to learn the number of shards
    assert present == 2
    fused: list[SettingsChange] = [
        {"search.knn_weight": 3.0},
        {"search.rank_constant": 5},
        {"search.bm25_weight": 0.5, "rerank.window": 5},
        {"rerank.weight": 0.3},
        {"rerank.category": "general"},
    ]
    assert asked(*fused) == present
    assert asked({"search.phrase_boost": 2.0}, {"search.minimum_should_match": "1"}) == present + 2
    assert asked({"search.fields": ("title^3",)}) == present + 1
    assert asked({"search.num_candidates": 500}) == present + 1
    assert asked({"search.window": 20}) == present + 2


def test_each_pair_is_reranked_once(
    es: Elasticsearch, reranking: Settings, embedder: LocalEmbedder
) -> None:
    reranker = FakeReranker()
    offline = OfflineSearch(es, settings=reranking, embedder=embedder, reranker=reranker)
    changes: list[SettingsChange] = [
        {"rerank.window": 5},
        {"rerank.window": 20},
        {"rerank.window": 10, "rerank.weight": 0.2},
        {"rerank.window": 10, "search.knn_weight": 2.0},
        {"rerank.enabled": False},
    ]
    reranker.calls.clear()
    offline.first_hits("wireless mouse", settings_of(reranking, changes))
    pairs = [document for call in reranker.calls for document in call.documents]
    assert len(pairs) == len({*pairs}) == offline.pairs >= 20


def test_a_degraded_search_is_refused(
    es: Elasticsearch, reranking: Settings, embedder: LocalEmbedder
) -> None:
    reranker = FakeReranker()
    offline = OfflineSearch(es, settings=reranking, embedder=embedder, reranker=reranker)
    reranker.error = RerankError("out of memory")
    with pytest.raises(EvaluationError, match="out of memory"):
        offline.first_hits("wireless mouse", [reranking])


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """An offline search that drops the first hit."""
    found = OfflineSearch.first_hits
    monkeypatch.setattr(
        OfflineSearch,
        "first_hits",
        lambda self, text, tried: [ids[1:] for ids in found(self, text, tried)],
    )


@pytest.mark.usefixtures("forgetful")
def test_another_order_than_the_live_one_stops_the_run(
    es: Elasticsearch, catalogue: str, catalogue_settings: Settings, embedder: LocalEmbedder
) -> None:
    check = check_of(es, catalogue_settings, embedder, None)
    with pytest.raises(EvaluationError, match="differs from that of the live search") as caught:
        check.compare([{}], [Query("q7", "wireless mouse")])
    assert caught.value.place == "query q7"


def test_a_search_that_finds_nothing_finds_nothing(
    es: Elasticsearch, catalogue: str, catalogue_settings: Settings, embedder: LocalEmbedder
) -> None:
    """An unknown trade number has neighbours, but they are not what was asked for."""
    check = check_of(es, catalogue_settings, embedder, None)
    assert check.offline.first_hits("EAN 4006381333931", [catalogue_settings]) == [()]
    check.compare([{}], [Query("1", "EAN 4006381333931")])
