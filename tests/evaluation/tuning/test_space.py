"""The settings that tuning tries."""

from __future__ import annotations

import tomllib
from itertools import chain

from es_hybrid.evaluation.tuning.evidence import toml
from es_hybrid.evaluation.tuning.space import applied, differing, draw, space_of
from es_hybrid.settings import Settings
from es_hybrid.settings.search import SearchSettings

SETTINGS = Settings()


def test_the_present_settings_come_first_and_all_draws_differ() -> None:
    space = space_of(SETTINGS, reranks=True, instructed=True)
    changes = draw(space, SETTINGS, trials=100, seed=3)
    assert changes[0] == {}
    assert len({repr(change) for change in changes}) == 100
    assert {*chain.from_iterable(changes)} == space.keys()
    assert draw(space, SETTINGS, trials=100, seed=3) == changes
    assert draw(space, SETTINGS, trials=100, seed=4) != changes


def test_every_draw_is_valid() -> None:
    settings = Settings(search=SearchSettings(window=40, num_candidates=60, bm25_weight=2.0))
    space = space_of(settings, reranks=False, instructed=False)
    for change in draw(space, settings, trials=200, seed=1):
        search = applied(settings, change).search
        SearchSettings.model_validate(search.model_dump())
        assert search.knn_weight in {0.7, *(2 * weight for weight in range(11)), 0.2, 0.4, 0.6, 1.0,
                                     1.4, 3.0}  # fmt: skip


def test_a_small_space_ends() -> None:
    space = {"search.rank_constant": lambda chance: chance.choice((10, 60))}
    assert draw(space, SETTINGS, trials=50, seed=1) == [{}, {"search.rank_constant": 10}]


def test_lexical_queries_are_shared_by_trials() -> None:
    space = space_of(SETTINGS, reranks=False, instructed=False)
    changes = draw(space, SETTINGS, trials=160, seed=1)
    lexical = ("search.fields", "search.minimum_should_match", "search.phrase_boost")
    queries = {repr([change.get(name) for name in lexical]) for change in changes}
    assert 10 < len(queries) <= 21


def test_a_reranker_without_instructions_is_not_given_any() -> None:
    assert "rerank.category" not in space_of(SETTINGS, reranks=True, instructed=False)
    assert not [
        name
        for name in space_of(SETTINGS, reranks=False, instructed=False)
        if name.startswith("rerank.")
    ]


def test_a_change_is_applied_and_written() -> None:
    fields = ("title^2", "brand.text")
    change = {"rerank.window": 20, "search.fields": fields, "search.minimum_should_match": '2<"'}
    settings = applied(SETTINGS, change)
    assert settings.search.fields == fields
    assert settings.rerank.window == 20
    assert differing({**change, "search.window": 100}, SETTINGS) == change
    assert tomllib.loads(toml(change)) == {
        "rerank": {"window": 20},
        "search": {"fields": list(fields), "minimum_should_match": '2<"'},
    }
