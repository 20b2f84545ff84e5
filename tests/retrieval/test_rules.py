"""Merchandising rules in searches of the sample catalogue, on a real node."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.client import connect
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.retrieval.known_rules import MAX_AGE, KnownRules
from es_hybrid.retrieval.response import FiredRule, SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import ElasticsearchSettings, Settings
from es_hybrid.understanding.synonyms import Synonym
from tests.fakes.elasticsearch import FaultyProxy, refusal
from tests.fakes.http import DROP, Answer, json_answer

QUERY = "hiking boots"
Opener = Callable[..., HybridSearch]


def rule(id_: str = "boots", *, priority: int = 0, **actions: Any) -> Rule:
    """A rule for the query."""
    criteria = [{"type": "exact", "values": [QUERY]}]
    return Rule.model_validate(
        {"id": id_, "criteria": criteria, "actions": actions, "priority": priority}
    )


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self) -> None:
        self.now += MAX_AGE


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_shop(
    es: Elasticsearch,
    catalogue: str,
    embedder: LocalEmbedder,
    catalogue_settings: Settings,
    clock: Clock,
) -> Opener:
    """Opens a search of the sample catalogue whose knowledge of rules ages by the clock."""

    def opened(client: Elasticsearch = es, **search: Any) -> HybridSearch:
        settings = catalogue_settings.with_(search=search)
        shop = HybridSearch(client, index=catalogue, embedder=embedder, settings=settings)
        object.__setattr__(shop._context, "rules", KnownRules(clock=clock))
        return shop

    return opened


@pytest.fixture
def shop(open_shop: Opener) -> HybridSearch:
    return open_shop()


def ids(found: SearchResponse) -> list[str]:
    return [hit.id for hit in found.hits]


def test_pin_and_exclude(shop: HybridSearch, rule_store: RuleStore) -> None:
    first, second, *_, last = ids(shop.search(QUERY))
    far = ids(shop.search("kettle"))[0]
    rule_store.put(rule(pin=[far, last], exclude=[first]), author="ann")
    after = open_again(shop).search(QUERY, pinned=[second, last])
    assert ids(after)[:3] == [far, last, second]
    assert first not in ids(open_again(shop).search(QUERY, size=100))
    assert first not in ids(shop.search(QUERY, pinned=[first]))
    changed = {"pin": [far, last], "exclude": [first]}
    assert after.rules == (FiredRule(id="boots", version=1, changed=changed),)
    assert after.hits[0].stages["pinned"].rank == 1
    assert shop.search("kettle").rules == ()


def open_again(shop: HybridSearch) -> HybridSearch:
    """The same search after its knowledge has aged."""
    clock = shop._context.rules._clock
    assert isinstance(clock, Clock)
    clock.pass_by()
    return shop


def test_filter(shop: HybridSearch, rule_store: RuleStore) -> None:
    brands = shop.search(QUERY, facets=["brand"]).facets["brand"]
    brand = min(brands, key=lambda name: (brands[name], name))
    rule_store.put(rule(filter={"brand": brand}), author="ann")
    found = open_again(shop).search(QUERY, facets=["brand"])
    assert found.facets["brand"].keys() == {brand}
    assert found.rules[0].changed == {"filter": {"brand": brand}}
    # It adds to a filter of the request on the same field.
    none = shop.search(QUERY, filters={"brand": "nobody"})
    assert (none.total, none.zero_results) == (0, "filters")
    rule_store.put(rule(filter={"brand": "nobody"}), author="ann")
    assert open_again(shop).search(QUERY).zero_results == "filters"


def test_replace(shop: HybridSearch, rule_store: RuleStore) -> None:
    plain = shop.search("kettle")
    rule_store.put(rule(replace="kettle", redirect="/kettles"), author="ann")
    found = open_again(shop).search(QUERY)
    assert [(hit.id, hit.score) for hit in found.hits] == [
        (hit.id, hit.score) for hit in plain.hits
    ]
    assert found.redirect == "/kettles"
    assert found.rules[0].changed == {"replace": "kettle", "redirect": "/kettles"}


def test_synonyms_reach_both_legs(shop: HybridSearch, rule_store: RuleStore) -> None:
    rule_store.put(rule(synonyms=["hiking boots => backpack"]), author="ann")
    found = open_again(shop).search(QUERY)
    assert ids(found) == ids(shop.search("backpack"))
    assert found.synonyms == (Synonym(text=QUERY, searched=("backpack",)),)


def test_synonyms_add_to_those_of_the_settings(
    open_shop: Opener, rule_store: RuleStore, tmp_path: Any
) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_text("boots => kettle", "utf-8")
    rule_store.put(rule(synonyms=["hiking => steel"]), author="ann")
    shop = open_shop(synonyms=str(path))
    assert ids(shop.search(QUERY)) == ids(shop.search("steel kettle"))
    assert ids(shop.search("hiking kettle")) != ids(shop.search("steel kettle"))


def test_boost_and_bury_become_signals(shop: HybridSearch, rule_store: RuleStore) -> None:
    plain = shop.search(QUERY)
    first, last = plain.hits[0], plain.hits[-1]
    boost = {"filter": {"brand": last.source["brand"]}, "weight": 0.3}
    bury = {"filter": {"brand": first.source["brand"]}}
    rule_store.put(rule(boost=[boost], bury=[bury]), author="ann")
    found = open_again(shop).search(QUERY)
    assert found.rules[0].changed == {"boost": [boost], "bury": [{**bury, "weight": 0.1}]}
    order = ids(found)
    assert order.index(last.id) < 9
    assert order[0] != first.id
    assert {"rrf", "signals"} <= found.hits[0].stages.keys()
    # They come in addition to the signals of the request, and a field that the index lacks moves
    # nothing.
    own = shop.search(QUERY, signals=[{"field": "price", "weight": 0.01}], explain=True)
    assert "rule boots" in str(own.hits[0].explanation)
    assert "price" in str(own.hits[0].explanation)
    rule_store.put(rule(boost=[{"filter": {"season": "summer"}}]), author="ann")
    assert ids(open_again(shop).search(QUERY)) == ids(plain)


@pytest.mark.parametrize(("route", "stage"), [("bm25", "bm25"), ("knn", "knn")])
def test_route(shop: HybridSearch, rule_store: RuleStore, route: str, stage: str) -> None:
    rule_store.put(rule(route={"mode": route}), author="ann")
    found = open_again(shop).search(QUERY)
    assert {name for hit in found.hits for name in hit.stages} == {stage}
    other = "knn" if route == "bm25" else "bm25"
    # A mode that is not the default is the caller's decision.
    asked = shop.search(QUERY, mode=other)
    assert {name for hit in asked.hits for name in hit.stages} == {other}
    assert asked.rules == (FiredRule(id="boots", version=1, changed={}, overruled=("route",)),)


def test_the_higher_priority_wins(shop: HybridSearch, rule_store: RuleStore) -> None:
    one, two, three, *_ = ids(shop.search(QUERY))
    rules = [
        rule("high", priority=2, replace="kettle", exclude=[one], route={"mode": "bm25"}),
        rule("low", replace="lamp", pin=[one, two], exclude=[three], redirect="/a",
             route={"mode": "knn", "rerank": False}),
        rule("lower", priority=-1, pin=[three], redirect="/a", route={"mode": "bm25"}),
    ]  # fmt: skip
    rule_store.put_all(rules, author="ann")
    found = open_again(shop).search(QUERY)
    assert found.rules == (
        FiredRule(
            id="high",
            version=1,
            changed={"exclude": [one], "replace": "kettle", "route": {"mode": "bm25"}},
        ),
        FiredRule(
            id="low",
            version=1,
            changed={
                "pin": [two], "exclude": [three], "redirect": "/a", "route": {"rerank": False},
            },
            overruled=("pin", "replace", "route"),
        ),
        FiredRule(
            id="lower",
            version=1,
            changed={"redirect": "/a", "route": {"mode": "bm25"}},
            overruled=("pin",),
        ),
    )  # fmt: skip
    assert ids(found)[0] == two
    assert found.redirect == "/a"


def test_a_search_without_rules_reads_none(
    es: Elasticsearch, open_shop: Opener, rule_store: RuleStore, counted: Counted
) -> None:
    rule_store.put(rule(pin=["x"]), author="ann")
    client, seen = counted
    shop, silent = open_shop(client), open_shop(client, rules=False)
    for found in (shop.search(QUERY, rules=False), silent.search(QUERY)):
        assert found.rules == ()
    assert not [path for path in seen if "es-hybrid-rules" in path]


def test_only_what_changed_is_read(
    open_shop: Opener, rule_store: RuleStore, counted: Counted, clock: Clock
) -> None:
    client, seen = counted
    shop = open_shop(client)

    def read() -> list[str]:
        paths = [path.partition("?")[0].rpartition("/")[2] for path in seen if "-rules/" in path]
        seen.clear()
        return paths

    assert shop.search(QUERY).rules == ()
    assert read() == ["head"]
    rule_store.put_all([rule("a", pin=["1"]), rule("b", pin=["2"])], author="ann")
    assert shop.search(QUERY).rules == ()
    assert read() == []
    clock.pass_by()
    assert [each.id for each in shop.search(QUERY).rules] == ["a", "b"]
    assert read() == ["head", "head", "_search"]
    rule_store.put(rule("b", pin=["3"]), author="ann")
    rule_store.put(rule("c", pin=["3"]), author="ann", draft=True)
    rule_store.delete("a", author="ann")
    clock.pass_by()
    assert [(each.id, each.version) for each in shop.search(QUERY).rules] == [("b", 2)]
    assert read() == ["head", "head", "_mget"]
    clock.pass_by()
    assert len(shop.search(QUERY).rules) == 1
    assert read() == ["head"]


def test_a_new_index_is_noticed(
    es: Elasticsearch, shop: HybridSearch, rule_store: RuleStore
) -> None:
    rule_store.put(rule("a", pin=["1"]), author="ann")
    assert len(open_again(shop).search(QUERY).rules) == 1
    es.indices.delete(index="es-hybrid-rules")
    assert open_again(shop).search(QUERY).rules == ()
    rule_store.put(rule("b", pin=["1"]), author="ann")
    assert [each.id for each in open_again(shop).search(QUERY).rules] == ["b"]


def test_of_concurrent_searches_one_reads(
    open_shop: Opener, rule_store: RuleStore, counted: Counted, clock: Clock
) -> None:
    client, seen = counted
    shop = open_shop(client)
    rule_store.put(rule(pin=["1"]), author="ann")
    shop.search(QUERY)
    clock.pass_by()
    seen.clear()
    threads = [threading.Thread(target=shop.search, args=(QUERY,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([path for path in seen if "-rules/" in path]) == 1


Counted = tuple[Elasticsearch, list[str]]


@pytest.fixture
def proxy(es: Elasticsearch) -> Iterator[FaultyProxy]:
    node = next(iter(es.transport.node_pool.all()))
    with FaultyProxy(node.base_url, lambda target, body, forward: None) as server:
        yield server


@pytest.fixture
def client(proxy: FaultyProxy) -> Iterator[Elasticsearch]:
    settings = ElasticsearchSettings(url=proxy.url)
    with connect(settings) as connected:
        yield connected


@pytest.fixture
def counted(proxy: FaultyProxy, client: Elasticsearch) -> Counted:
    """A client, and the paths that it asked for."""
    seen: list[str] = []

    def count(target: str, body: bytes, forward: Any) -> None:
        seen.append(target)

    proxy.fault = count
    return client, seen


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (refusal(503), "rules: not read: injected 503"),
        (DROP, "rules: Elasticsearch cannot be reached"),
        (json_answer(200, {}), "rules: not read: an answer of another form"),
    ],
)
def test_a_failing_read_leaves_the_rules_as_they_were(
    open_shop: Opener,
    rule_store: RuleStore,
    proxy: FaultyProxy,
    client: Elasticsearch,
    clock: Clock,
    fault: Answer,
    why: str,
) -> None:
    rule_store.put(rule(redirect="/a"), author="ann")
    shop = open_shop(client)
    assert shop.search(QUERY).redirect == "/a"
    proxy.fault = lambda target, body, forward: fault if "-rules/" in target else None
    clock.pass_by()
    for _ in range(2):  # remembered until the next look
        found = shop.search(QUERY)
        assert found.redirect == "/a"
        assert re.match(re.escape(why), found.degraded[0])
    proxy.fault = lambda target, body, forward: None
    clock.pass_by()
    assert shop.search(QUERY).degraded == ()


def test_who_may_not_read_rules_has_none(
    open_shop: Opener,
    rule_store: RuleStore,
    proxy: FaultyProxy,
    client: Elasticsearch,
    clock: Clock,
) -> None:
    rule_store.put(rule(redirect="/a"), author="ann")
    proxy.fault = lambda target, body, forward: refusal(403) if "-rules/" in target else None
    found = open_shop(client).search(QUERY)
    assert (found.rules, found.degraded) == ((), ())
    assert found.notes == ("rules: not read: injected 403",)


def test_a_rule_that_cannot_be_read_is_left_out(
    es: Elasticsearch, shop: HybridSearch, rule_store: RuleStore
) -> None:
    rule_store.put_all([rule("a", pin=["1"]), rule("b", pin=["2"])], author="ann")
    stored = es.get(index="es-hybrid-rules", id="a@1")["_source"]
    stored["stored"]["rule"]["actions"] = {"sing": True}  # by another version of es-hybrid
    es.index(index="es-hybrid-rules", id="a@1", document=stored, refresh=True)
    assert [each.id for each in open_again(shop).search(QUERY).rules] == ["b"]
