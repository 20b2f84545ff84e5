"""The eight topics of a governed shop search, each as a scenario; see docs/merchandising.md.

The shop sells the English products of the sample catalogue, with a margin and a stock of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch

from es_hybrid.commands.rules import rules as rules_command
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.evaluation.floor import calibrate_index
from es_hybrid.merchandising.rules.rule import parse_rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval import rules as matched_rules
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.settings.signals import Signal
from ingest.load.job import LoadJob
from tests.pauses import wait_until
from tests.serve.running import ask, serving

INDEX = "test-governed-shop"
SOLD_OUT = ("KIT-002-en", "PET-004-en")
# What the shop earns by a product; by all others, a fifth of the price.
MARGINS = {"ELE-002-en": 1.0, "ELE-003-en": 15.0}
Cli = Callable[..., str]


@pytest.fixture(scope="module")
def settings(
    es: Elasticsearch,
    embedder: LocalEmbedder,
    catalogue_settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:
    """Settings of the shop, whose index knows margin, stock and its own floor."""
    folder = tmp_path_factory.mktemp("shop")
    lines = files("es_hybrid.data").joinpath("products.jsonl").read_text("utf-8").splitlines()
    products = {row["id"]: row for row in map(json.loads, lines) if row["lang"] == "en"}
    feed = folder / "products.jsonl"
    feed.write_text("\n".join(map(json.dumps, products.values())), "utf-8")
    settings = catalogue_settings.with_(index={"name": INDEX})
    job = LoadJob.of(
        settings, [str(feed)], file_format="jsonl", mapping={}, dead_letters=folder / "dead.jsonl"
    )
    job.run(say=lambda line: None, on_progress=lambda tally: None)
    es.indices.put_mapping(
        index=INDEX, properties={"margin": {"type": "double"}, "in_stock": {"type": "boolean"}}
    )
    parts: list[dict[str, Any]] = []
    for id_, row in products.items():
        margin = MARGINS.get(id_, row["price"] / 5)
        own = {"margin": margin, "in_stock": id_ not in SOLD_OUT}
        parts += [{"update": {"_id": id_}}, {"doc": own}]
    assert not es.bulk(index=INDEX, operations=parts, refresh=True)["errors"]
    list(calibrate_index(es, INDEX, settings, embedder))
    yield settings
    for version in es.indices.get(index=INDEX):
        es.indices.delete(index=version)


@pytest.fixture(scope="module")
def shop(es: Elasticsearch, embedder: LocalEmbedder, settings: Settings) -> HybridSearch:
    """One search, open all the time: no rule needs a restart."""
    return HybridSearch(es, index=INDEX, embedder=embedder, settings=settings)


@pytest.fixture
def cli(node: EmbeddedNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`es-hybrid rules` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_RERANK__ENABLED", "false")

    def run(*arguments: str) -> str:
        target = ("--url", node.url, "--index", INDEX)
        done = CliRunner().invoke(rules_command, [*arguments, *target])
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def ids(found: SearchResponse) -> list[str]:
    return [hit.id.removesuffix("-en") for hit in found.hits]


def fired(found: SearchResponse) -> list[str]:
    return [rule.id for rule in found.rules]


def rule(id_: str, query: str | list[str], actions: dict[str, Any], **more: Any) -> Any:
    values = [query] if isinstance(query, str) else query
    criteria = [{"type": "exact", "values": values}]
    return parse_rule({"id": id_, "criteria": criteria, "actions": actions, **more})


def live(shop: HybridSearch, text: str, *rules: str, **asked: Any) -> SearchResponse:
    """The answer as soon as exactly these rules fire: within a second of a write."""
    answers: list[SearchResponse] = []

    def known() -> bool:
        answers.append(shop.search(text, **asked))
        return fired(answers[-1]) == list(rules)

    wait_until(known)
    return answers[-1]


def test_a_policies_as_data(
    shop: HybridSearch, rule_store: RuleStore, node: EmbeddedNode, cli: Cli
) -> None:
    """A decision of the buyers is a document: tried, stored once, it holds however one searches."""
    actions = {"pin": ["KIT-007-en"], "exclude": ["KIT-002-en"]}
    criteria = [{"type": "exact", "values": ["kettle", "kettles"]}]
    decided = {"id": "kettle-week", "criteria": criteria, "actions": actions}
    Path("decided.json").write_text(json.dumps(decided), "utf-8")
    tried = cli("dry-run", "decided.json", "kettle")
    assert "kettle: fires" in tried
    assert "gone       KIT-002-en" in tried
    assert not shop.search("kettle").rules
    assert cli("put", "decided.json", "--author", "ann") == "kettle-week: version 1, live\n"
    found = live(shop, "Kettles", "kettle-week")
    assert ids(found)[0] == "KIT-007"
    assert "KIT-002" not in ids(found)
    assert found.total == shop.search("Kettles", rules=False).total - 1
    with serving(node.url, embedder=None, index={"name": INDEX}, rerank={"enabled": False}) as url:
        answer = ask(url, "/search", method="POST", body={"text": "kettle"}).json()
    assert answer["hits"][0]["id"] == "KIT-007-en"
    assert [each["id"] for each in answer["rules"]] == ["kettle-week"]


def test_b_query_understanding_by_stored_queries(shop: HybridSearch, rule_store: RuleStore) -> None:
    """Stored queries teach what words alone do not say, also if they are misspelt."""
    assert "SHO-001" not in ids(shop.search("something for my marathon"))[:2]
    stored = [{"type": "fuzzy", "values": ["something for my marathon", "marathon gift"]}]
    actions = {"replace": "running shoes", "filter": {"price": {"lte": 120}}}
    rule_store.put(
        parse_rule({"id": "marathon", "criteria": stored, "actions": actions}), author="ann"
    )
    routed = {"route": {"mode": "bm25"}, "redirect": "/account/orders"}
    orders = [{"type": "prefix", "values": ["order "]}]
    rule_store.put(
        parse_rule({"id": "orders", "criteria": orders, "actions": routed}), author="ann"
    )
    found = live(shop, "somthing for my maraton", "marathon")
    assert {*ids(found)[:2]} == {"SHO-001", "SHO-002"}
    assert all(hit.source["price"] <= 120 for hit in found.hits)
    assert found.rules[0].changed == actions
    sent = live(shop, "order 4711", "orders")
    assert sent.redirect == "/account/orders"
    assert all("knn" not in hit.stages for hit in sent.hits)


def test_c_guaranteed_recall_in_tiers(shop: HybridSearch, rule_store: RuleStore) -> None:
    """Exact numbers first, words and close vectors found and counted, the rest apart."""
    bury = {"bury": [{"filter": {"sku": "KS-170-W"}, "weight": 1.0}]}
    always = [{"type": "always"}]
    rule_store.put(parse_rule({"id": "bury", "criteria": always, "actions": bury}), author="ann")
    # A number that a shopper types leads to its product, whatever the rules want.
    assert ids(live(shop, "ks170w", "bury"))[0] == "KIT-002"
    assert ids(live(shop, "electric kettle 1.7 l", "bury"))[0] != "KIT-002"
    rule_store.delete("bury", author="ann")
    live(shop, "kettle")
    words = shop.search("electric kettle")
    assert {*ids(words)[:2]} == {"KIT-001", "KIT-002"}
    meaning = shop.search("chauffe-eau pour le thé")
    assert {*ids(meaning)[:2]} & {"KIT-001", "KIT-002"}
    assert not meaning.similar
    nothing = shop.search("diesel oil")
    assert (nothing.total, nothing.hits, nothing.zero_results) == (0, [], "not_sold")
    assert nothing.similar
    # A product that a rule pins for everyone is not an answer, either.
    pin = {"id": "pin", "criteria": always, "actions": {"pin": ["KIT-002-en"]}}
    rule_store.put(parse_rule(pin), author="ann")
    pinned = live(shop, "diesel oil", "pin")
    assert (pinned.total, pinned.hits, pinned.zero_results) == (0, [], "not_sold")
    assert pinned.similar[0].id == "KIT-002-en"
    rule_store.delete("pin", author="ann")


def test_d_personal_context(shop: HybridSearch, rule_store: RuleStore) -> None:
    """The shop tells who asks; a rule for a customer group changes nothing for the others."""
    for_trade = {
        "id": "trade-toner",
        "criteria": [
            {"type": "contains", "values": ["toner"]},
            {"type": "exact", "metadata": "customer_group", "values": ["trade", "school"]},
        ],
        "actions": {"pin": ["COM-003-en"]},
    }
    rule_store.put(parse_rule(for_trade), author="ann")
    before = ids(shop.search("toner TN-2420X", rules=False))
    assert before[0] == "COM-004"
    trade = live(shop, "black toner", "trade-toner", context={"customer_group": "trade"})
    assert ids(trade)[0] == "COM-003"
    for context in ({}, {"customer_group": "private"}, {"channel": "trade"}):
        assert not shop.search("black toner", context=context).rules


def test_e_margin_moves_products_within_a_bound(
    es: Elasticsearch, embedder: LocalEmbedder, settings: Settings
) -> None:
    """Margin decides between products that are as relevant; what is sold out never leads."""
    signals = [
        Signal(name="margin", field="margin", modifier="log1p", weight=0.1),
        Signal(name="sold out", filter={"in_stock": False}, weight=-1.0),
    ]
    governed = settings.with_(search={"signals": signals, "signal_bound": 0.2})
    plain = HybridSearch(es, index=INDEX, embedder=embedder, settings=settings)
    earning = HybridSearch(es, index=INDEX, embedder=embedder, settings=governed)
    assert ids(plain.search("wireless charging pad"))[:2] == ["ELE-002", "ELE-003"]
    assert ids(earning.search("wireless charging pad"))[0] == "ELE-003"
    for text, sold_out in [("electric kettle 1.7 l", "KIT-002"), ("dog harness medium", "PET-004")]:
        assert ids(plain.search(text))[0] == sold_out
        moved = earning.search(text, explain=True)
        assert ids(moved)[0] != sold_out
        assert sold_out in ids(moved)
        best = max(hit.stages["rrf"].score for hit in moved.hits)
        for hit in moved.hits:
            base = hit.stages["rrf"].score / best
            assert abs(hit.score - base) <= 0.2 + 1e-6


class Calendar:
    """A clock that the test sets."""

    today = datetime(2026, 11, 26, 12, tzinfo=UTC)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return cls.today


def test_f_promotion_windows_open_and_close_by_themselves(
    shop: HybridSearch, rule_store: RuleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promotion is approved days before; it begins and ends without anyone at work."""
    monkeypatch.setattr(matched_rules, "datetime", Calendar)
    opens, closes = datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
    promoted = rule(
        "black-friday", "headphones", {"pin": ["ELE-005-en"]}, valid_from=opens, valid_until=closes
    )
    rule_store.put(promoted, author="ann")
    always = [{"type": "always"}]
    noticed = {"id": "noticed", "criteria": always, "actions": {"redirect": "/"}}
    rule_store.put(parse_rule(noticed), author="ann")
    live(shop, "headphones", "noticed")  # both rules are known from here on
    moments = [
        (opens - timedelta(seconds=1), False), (opens, True),
        (closes - timedelta(seconds=1), True), (closes, False),
    ]  # fmt: skip
    for moment, is_open in moments:
        monkeypatch.setattr(Calendar, "today", moment)
        found = shop.search("headphones")
        assert ("black-friday" in fired(found)) is is_open
        assert (ids(found)[0] == "ELE-005") is is_open


def test_g_audit(shop: HybridSearch, rule_store: RuleStore, cli: Cli) -> None:
    """Who decided what and when, and what each rule did to an answer, also what it did not."""
    began = datetime.now(UTC)
    for author, note, price in [("ann", "spring", 100), ("ben", "clearance", 60)]:
        decided = rule("chargers", "charger", {"filter": {"price": {"lt": price}}}, note=note)
        rule_store.put(decided, author=author)
    rule_store.put(
        rule("wireless", "charger", {"replace": "wireless charging pad"}, priority=2), author="cho"
    )
    rule_store.put(
        rule("cables", "charger", {"replace": "cable", "pin": ["ELE-008-en"]}), author="ann"
    )
    history = json.loads(cli("history", "chargers", "--json"))
    assert [(each["version"], each["author"], each["rule"]["note"]) for each in history] == [
        (2, "ben", "clearance"), (1, "ann", "spring"),
    ]  # fmt: skip
    last, first = (datetime.fromisoformat(each["changed"]) for each in history)
    assert began <= first <= last <= datetime.now(UTC)
    found = live(shop, "charger", "wireless", "cables", "chargers")
    wireless, cables, chargers = found.rules
    assert wireless.changed == {"replace": "wireless charging pad"}
    assert (cables.changed, cables.overruled) == ({"pin": ["ELE-008-en"]}, ("replace",))
    assert (chargers.version, chargers.changed) == (2, {"filter": {"price": {"lt": 60}}})


def test_h_rollback(shop: HybridSearch, rule_store: RuleStore, cli: Cli) -> None:
    """A mistake is live for as long as it takes to say `undo`; nothing is lost on the way."""
    rule_store.put(rule("tents", "tent", {"pin": ["OUT-001-en"]}), author="ann")
    before = live(shop, "tent", "tents")
    mistake = rule("tents", "tent", {"exclude": ["OUT-001-en", "OUT-002-en"]}, note="oops")
    rule_store.put(mistake, author="ben")
    wait_until(lambda: "OUT-001" not in ids(shop.search("tent")))
    assert cli("undo", "tents", "--author", "ann") == "tents: version 3, live\n"
    wait_until(lambda: shop.search("tent").rules[0].version == 3)
    assert ids(shop.search("tent")) == ids(before)
    assert [each.author for each in rule_store.history("tents")] == ["ann", "ben", "ann"]
    rule_store.delete("tents", author="ben")
    live(shop, "tent")
    rule_store.undo("tents", author="ann")
    assert ids(live(shop, "tent", "tents")) == ids(before)
