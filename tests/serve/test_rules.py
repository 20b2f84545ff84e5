"""Merchandising rules in searches of `es-hybrid serve`."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from benchmarks.servers import started
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.known_rules import MAX_AGE
from tests.conftest import CATALOGUE_INDEX
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.live import Recorder, ids, search
from tests.serve.running import ask, serving

TEXT = "red hat"


def rule(id_: str = "hats", **actions: Any) -> Rule:
    criteria = [
        {"type": "exact", "values": [TEXT]},
        {"type": "exact", "metadata": "channel", "values": ["b2b"]},
    ]
    return Rule.model_validate({"id": id_, "criteria": criteria, "actions": actions})


def shop_search(url: str, text: str = TEXT, **options: Any) -> Any:
    body = {"text": text, "context": {"channel": "b2b"}, **options}
    return ask(url, "/search", method="POST", body=body).json()


def own_search(url: str, products: str, **extension: Any) -> Any:
    """A body whose own query finds all three products; both legs give product 2 the first place."""
    body = {
        "query": {"bool": {"must": {"match_all": {}}, "should": {"match": {"title": TEXT}}}},
        "ext": {
            "es_hybrid": {
                "text": TEXT, "rerank": False, "context": {"channel": "b2b"}, **extension,
            }
        },
    }  # fmt: skip
    return search(url, products, body).json()


def test_a_rule_is_live_in_every_process_half_a_second_after_it_is_written(
    node: EmbeddedNode, catalogue: str, rule_store: RuleStore
) -> None:
    environment = {"ES_HYBRID_INDEX__NAME": CATALOGUE_INDEX, "ES_HYBRID_RERANK__ENABLED": "false",
                   "ES_HYBRID_SEARCH__TIMEOUT_MS": "0"}  # fmt: skip
    with (
        started(node.url, environment=environment) as one,
        started(node.url, environment=environment) as two,
    ):
        for server in (one, two):
            assert shop_search(server.url)["rules"] == []
        versions: list[list[int]] = []
        for text in ("first", "second"):
            rule_store.put(rule(redirect=f"/{text}"), author="ann")
            threading.Event().wait(MAX_AGE)  # the age at which a search looks
            found = [shop_search(server.url) for server in (one, two)]
            assert [each["redirect"] for each in found] == [f"/{text}"] * 2
            versions.append([each["rules"][0]["version"] for each in found])
        assert versions == [[1, 1], [2, 2]]
        rule_store.delete("hats", author="ann")
        threading.Event().wait(MAX_AGE)
        assert [shop_search(server.url)["rules"] for server in (one, two)] == [[], []]


@pytest.fixture
def fresh(node: EmbeddedNode, products: str, rule_store: RuleStore) -> Any:
    """A server that has read no rules yet."""
    with serving(
        node.url, embedder=FakeEmbedder(), index={"name": products}, rerank={"enabled": False}
    ) as url:
        yield url


def test_a_shop_search_names_the_rules_and_what_they_changed(
    fresh: str, rule_store: RuleStore
) -> None:
    rule_store.put(rule(pin=["3"], redirect="/hats"), author="ann")
    found = shop_search(fresh)
    assert found["hits"][0]["id"] == "3"
    assert found["rules"] == [
        {"id": "hats", "version": 1, "changed": {"pin": ["3"], "redirect": "/hats"},
         "overruled": []},
    ]  # fmt: skip
    assert found["redirect"] == "/hats"
    others: list[dict[str, Any]] = [
        {"rules": False},
        {"context": {}},
        {"context": {"channel": ["b2c", "web"]}},
    ]
    for options in others:
        assert shop_search(fresh, **options)["rules"] == []


def test_a_body_with_its_own_query_is_ruled_too(
    fresh: str, products: str, rule_store: RuleStore
) -> None:
    rule_store.put(rule(pin=["3"], exclude=["1"], redirect="/hats"), author="ann")
    found = own_search(fresh, products)
    assert ids(found) == ["3", "2"]
    reported = found["ext"]["es_hybrid"]
    assert reported["rules"][0]["changed"] == {"pin": ["3"], "exclude": ["1"], "redirect": "/hats"}
    assert reported["redirect"] == "/hats"
    assert found["hits"]["total"]["value"] == 2
    without = own_search(fresh, products, rules=False)
    assert set(ids(without)) == {"1", "2", "3"}
    assert without["ext"]["es_hybrid"]["rules"] == []


@pytest.mark.parametrize(
    ("actions", "first"),
    [
        ({"filter": {"brand": "b"}}, ["3"]),
        ({"route": {"mode": "bm25"}}, ["2"]),
        ({"boost": [{"filter": {"brand": "b"}, "weight": 0.3}]}, ["3"]),
        ({"replace": "blue hat of felt", "route": {"mode": "knn"}}, ["3"]),
    ],
)
def test_what_else_a_rule_does_to_such_a_body(
    fresh: str, products: str, rule_store: RuleStore, actions: dict[str, Any], first: list[str]
) -> None:
    rule_store.put(rule(**actions), author="ann")
    found = own_search(fresh, products)
    assert ids(found)[:1] == first
    reported = found["ext"]["es_hybrid"]
    assert reported["rules"][0]["changed"] == actions
    assert any("another text" in note for note in reported["notes"]) == ("replace" in actions)


def test_synonyms_need_understanding(fresh: str, products: str, rule_store: RuleStore) -> None:
    rule_store.put(rule(synonyms=["hat => shoe"]), author="ann")
    reported = own_search(fresh, products)["ext"]["es_hybrid"]
    assert reported["rules"] == [
        {"id": "hats", "version": 1, "changed": {}, "overruled": ["synonyms"]}
    ]
    understood = own_search(fresh, products, understand=True)["ext"]["es_hybrid"]
    assert understood["rules"][0]["changed"] == {"synonyms": ["hat => shoe"]}
    assert understood["synonyms"] == [{"text": "hat", "searched": ["shoe"]}]


@pytest.mark.parametrize("extension", [{"context": 3}, {"rules": "perhaps"}])
def test_a_malformed_option_is_refused(
    fresh: str, products: str, extension: dict[str, Any]
) -> None:
    assert "error" in own_search(fresh, products, **extension)


def test_the_rights_are_the_callers_and_the_compiled_rules_are_shared(
    node: EmbeddedNode, products: str, rule_store: RuleStore
) -> None:
    rule_store.put(rule(redirect="/hats"), author="ann")
    recorder = Recorder(node)

    def guard(seen: Request) -> Answer:
        if "-rules/" in seen.target and seen.header("Authorization") == "Basic nobody":
            error = {"type": "security_exception", "reason": "no"}
            return json_answer(403, {"error": {"root_cause": [error], **error}, "status": 403})
        return recorder(seen)

    with (
        HttpServer(guard) as upstream,
        serving(
            upstream.url,
            embedder=FakeEmbedder(),
            index={"name": products},
            rerank={"enabled": False},
        ) as url,
    ):

        def found(caller: str) -> Any:
            return ask(
                url,
                "/search",
                method="POST",
                body={"text": TEXT, "context": {"channel": "b2b"}},
                headers={"Authorization": caller},
            ).json()

        first, second = found("Basic friend"), found("Basic other")
        stranger = found("Basic nobody")
        read = [seen.target for seen in upstream.seen if "-rules/_search" in seen.target]
    assert [each["redirect"] for each in (first, second, stranger)] == ["/hats", "/hats", None]
    assert stranger["notes"] == ["rules: not read: no"]
    assert len(read) == 1
