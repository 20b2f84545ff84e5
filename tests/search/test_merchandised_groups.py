"""Signals, rules and groups together, on real products, against an independent model."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.response import StageRank
from es_hybrid.search import HybridSearch
from tests.retrieval.signal_model import Moved, facts, moved, random_signals
from tests.search.grouped import Model, Row, counted, loaded, settings_for
from training.data import CHORUS

INDEX = "test-merchandised-groups"
PRODUCTS = 400
BOUND = 0.3
FIELDS = {
    "stock": {"type": "integer"},
    "in_stock": {"type": "boolean"},
    "margin": {"type": "double"},
    "released": {"type": "date"},
    "warehouse": {"type": "geo_point"},
}
BOOSTED = {"in_stock": True}
BURIED = {"stock": {"gte": 3, "lt": 100}}

pytestmark = pytest.mark.skipif(not CHORUS.exists(), reason=f"{CHORUS} is not there")


def brand_of(row: Row) -> str:
    """The group of a product; without a brand it is one of its own."""
    return row.get("brand") or f"alone {row['id']}"


class Brands(Model):
    """The legs of a plain search, fused, moved by signals and grouped by brand."""

    group = staticmethod(brand_of)

    def __init__(
        self, shop: HybridSearch, rows: Mapping[str, Row], text: str, **options: Any
    ) -> None:
        super().__init__(shop, rows, text, **options)
        self._fuses = options["mode"] == "hybrid"
        _, stages = shop.search_in_stages(text, size=1000, **options)
        self._scores = {
            leg: {key.id: place for key, place in stages.get(leg, {}).items()}
            for leg in ("bm25", "knn")
        }

    def merchandised(self, signals: Sequence[Any], known: Mapping[str, Any]) -> list[Moved]:
        """The documents of the window as the signals order them."""
        windows = {leg: self.window(leg) for leg in ("bm25", "knn")}
        fused: Counter[str] = Counter()
        for leg, weight in self._weights.items():
            for rank, id_ in enumerate(windows[leg], 1):
                score = weight / (60 + rank) if self._fuses else self._scores[leg][id_].score
                fused[id_] += np.float32(score)  # type: ignore[assignment]
        # What of the lexical leg is behind the window is known, too.
        seen = {"bm25": {*self._legs["bm25"]}, "knn": {*windows["knn"]}}
        hits: list[Any] = [
            SimpleNamespace(id=id_, score=fused[id_], stages=self._stages(id_, seen))
            for id_ in sorted(fused, key=lambda id_: -fused[id_])
        ]
        cut = len(windows["knn"]) < len(self._scores["knn"])
        last = self._scores["knn"][windows["knn"][-1]].score if cut and windows["knn"] else -1.0
        return moved(
            hits, signals, known, combine="sum", bound=BOUND, window=len(hits),
            least={"bm25": -1.0, "knn": last},
        )  # fmt: skip

    def behind(self, ids: Sequence[str]) -> list[str]:
        return [id_ for id_ in self._legs["bm25"] if id_ not in set(ids)]

    def _stages(self, id_: str, seen: Mapping[str, set[str]]) -> dict[str, StageRank]:
        return {leg: at[id_] for leg, at in self._scores.items() if id_ in seen[leg]}


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    with (CHORUS / "products.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in itertools.islice(lines, PRODUCTS)]
    return {row["id"]: row for row in found}


@pytest.fixture(scope="module")
def known(rows: dict[str, Row]) -> dict[str, dict[str, Any]]:
    """What the shop knows of each product."""
    rng = random.Random(3)
    return {id_: facts(rng, row.get("price")) for id_, row in rows.items()}


@pytest.fixture(scope="module")
def shop(
    node: EmbeddedNode,
    es: Elasticsearch,
    embedder: LocalEmbedder,
    rows: dict[str, Row],
    known: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[HybridSearch]:
    folder = tmp_path_factory.mktemp("chorus")
    settings = settings_for(node.url, INDEX, folder).with_(search={"signal_bound": BOUND})
    loaded(settings, list(rows.values()), folder)
    es.indices.put_mapping(index=INDEX, properties=FIELDS)
    bulk(es, ({"_op_type": "update", "_index": INDEX, "_id": id_, "doc": made}
              for id_, made in known.items()), refresh=True)  # fmt: skip
    es.indices.forcemerge(index=INDEX, max_num_segments=1)
    yield HybridSearch(es, index=INDEX, embedder=embedder, settings=settings)
    for index in es.indices.get(index=INDEX):
        es.indices.delete(index=index)


def _rule(rng: random.Random, ids: Sequence[str]) -> tuple[Rule, dict[str, Any]]:
    """A rule with one to four actions, and these."""
    every: dict[str, Any] = {
        "boost": [{"filter": BOOSTED, "weight": round(rng.uniform(0.05, 0.4), 2)}],
        "bury": [{"filter": BURIED, "weight": round(rng.uniform(0.05, 0.4), 2)}],
        "exclude": rng.sample(ids, 3),
        "pin": rng.sample(ids, 2),
        "filter": {"price": {"lt": rng.choice([100, 300, 1000])}},
    }
    if rng.random() < 0.5:
        del every["pin"]
    actions = {name: every[name] for name in rng.sample(sorted(every), rng.randint(1, 4))}
    if pinned := {*actions.get("pin", ())} & {*actions.get("exclude", ())}:
        actions["exclude"] = [id_ for id_ in actions["exclude"] if id_ not in pinned]
    actions = {name: value for name, value in actions.items() if value}
    always = [{"type": "always"}]
    return Rule.model_validate({"id": "tried", "criteria": always, "actions": actions}), actions


def _signals_of(actions: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"filter": each["filter"], "weight": sign * each["weight"]}
        for action, sign in (("boost", 1), ("bury", -1))
        for each in actions.get(action, ())
    ]


@pytest.mark.parametrize("count", [100, pytest.param(300, marks=pytest.mark.soak)])
def test_searches_are_those_of_the_model(
    shop: HybridSearch, rows: dict[str, Row], known: dict[str, dict[str, Any]], count: int
) -> None:
    rng = random.Random(11)
    seen: Counter[str] = Counter()
    titles = [row["title"].split() for row in rows.values()]
    for _ in range(count):
        text = " ".join(rng.sample(words := rng.choice(titles), min(2, len(words))))
        plain = {
            "mode": rng.choice(["hybrid", "hybrid", "knn"]), "conditions": False,
            "floor": False, "correct": False,
        }  # fmt: skip
        rule, actions = _rule(rng, [*rows])
        signals = random_signals(rng)
        filters: dict[str, Any] = {**actions.get("filter", {})}
        if excluded := actions.get("exclude"):
            filters["_id"] = {"not": excluded}
        model = Brands(shop, rows, text, filters=filters, signals=[], rules=False, **plain)
        expected = model.merchandised([*signals, *_signals_of(actions)], known)
        scores = {each.id: each.score for each in expected}
        groups = rng.choice(["product", "group"])
        page, size = rng.choice([(1, 10), (2, 4), (3, 5)])
        found = shop.with_rule("tried", rule).search(
            text, signals=signals, collapse="brand", facets=["brand"], facets_by=groups,
            explain=page == 1, page=page, size=size, **plain,
        )  # fmt: skip
        told = f"{text!r} {plain} {actions} {signals} {page} {size}"

        pins = [id_ for id_ in actions.get("pin", ()) if _passes(rows[id_], actions)]
        documents = [*pins, *(each.id for each in expected)]
        best = model.best([*documents, *model.behind(documents)])
        shown = best[(page - 1) * size : page * size]
        assert len(found.hits) == len(shown), told
        for hit, id_ in zip(found.hits, shown, strict=True):
            if id_ in pins or id_ not in scores:
                assert hit.id == id_, told
                continue
            # Products that the model cannot tell apart may change places.
            assert scores[hit.id] == pytest.approx(scores[id_], abs=2e-6), told
            assert hit.stages["signals"].score == pytest.approx(scores[hit.id], abs=2e-6), told
            if hit.explanation is not None:
                shares = [each["value"] for each in hit.explanation["details"]]
                assert sum(shares) == pytest.approx(hit.explanation["value"], abs=1e-6), told
        matches = {*model.matches(), *pins}
        assert found.total == len({brand_of(rows[id_]) for id_ in matches}), told
        branded = [id_ for id_ in matches if rows[id_].get("brand")]
        wanted = counted(rows, branded, brand_of, groups=groups == "group", group=brand_of)
        assert found.facets["brand"] == wanted, told
        [fired] = found.rules
        assert fired.changed.keys() == actions.keys(), told
        seen["hits"] += len(found.hits)
        seen["pinned"] += bool(pins)
        seen["moved"] += model.best() != model.best([each.id for each in expected])
    assert seen["hits"] > 3 * count
    assert seen["moved"] > count / 2
    assert seen["pinned"] > count / 10


def _passes(row: Row, actions: Mapping[str, Any]) -> bool:
    most = actions.get("filter", {}).get("price", {}).get("lt")
    return most is None or row.get("price", most) < most
