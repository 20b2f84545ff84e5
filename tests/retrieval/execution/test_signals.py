"""The values of signals, compared with those of Elasticsearch's `function_score`."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.compile.signals import with_signals
from es_hybrid.retrieval.execution import signals as module
from es_hybrid.retrieval.nodes import Child, Node, Rrf, Standard
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.settings.search import SearchSettings
from es_hybrid.settings.signals import read_signals
from tests.retrieval.live import Searcher

INDEX = "test-signals"
NOW = "2026-11-30T12:00:00Z"
MAPPING = {
    "properties": {
        "price": {"type": "float"},
        "cents": {"type": "long"},
        "stock": {"type": "integer"},
        "in_stock": {"type": "boolean"},
        "released": {"type": "date", "format": "dd/MM/yyyy"},
        "seen": {"type": "date_nanos"},
        "warehouse": {"type": "geo_point"},
        "brand": {"type": "keyword"},
    }
}
ORIGIN = "52.52,13.405"


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    rng = random.Random(19)
    for number in range(120):
        row: dict[str, Any] = {
            "price": round(rng.uniform(0.5, 900), 2),
            "cents": rng.randint(1, 1 << 19),
            "stock": rng.choice([0, 1, 7, [3, 900, 12], 40]),
            "in_stock": rng.random() < 0.5,
            "released": f"{rng.randint(1, 28):02}/0{rng.randint(1, 9)}/{rng.randint(2019, 2027)}",
            "seen": f"2026-11-{rng.randint(1, 28):02}T0{rng.randint(0, 9)}:00:00.123456789Z",
            "warehouse": [{"lat": rng.uniform(-80, 80), "lon": rng.uniform(-180, 180)}
                          for _ in range(rng.randint(1, 3))],
            "brand": rng.choice("abc"),
        }  # fmt: skip
        yield f"p{number}", {name: v for name, v in row.items() if rng.random() < 0.8}


@pytest.fixture(scope="module")
def searcher(es: Elasticsearch) -> Iterator[Searcher]:
    es.indices.create(index=INDEX, mappings=MAPPING, settings={"number_of_replicas": 0})
    bulk(es, ({"_index": INDEX, "_id": id_, **row} for id_, row in _rows()), refresh=True)
    yield Searcher(es, INDEX)
    es.indices.delete(index=INDEX)


def _root(*signals: Mapping[str, Any], child: Node | None = None, **settings: Any) -> Node:
    search = SearchSettings(**{"window": 200, **settings})
    return with_signals(child or Standard(label="bm25"), read_signals(signals), search, 200)


def _found(searcher: Searcher, root: Node, **options: Any) -> Retrieved:
    return searcher.execute(Plan(root=root, index=INDEX, size=200, **options))


def _values(searcher: Searcher, signal: Mapping[str, Any]) -> dict[str, float]:
    """Id -> the value of the signal, its share in the explanation of a sum."""
    found = _found(searcher, _root({**signal, "missing": -7}, signal_bound=1e6), explain=True)
    return {hit["_id"]: hit["_explanation"]["details"][1]["value"] for hit in found.hits}


def _function_scores(searcher: Searcher, function: Mapping[str, Any]) -> dict[str, float]:
    query = {"function_score": {**function, "boost_mode": "replace"}}
    found = searcher.es.search(index=INDEX, query=query, size=200, source=False)
    return {hit["_id"]: hit["_score"] for hit in found["hits"]["hits"]}


def _decay(curve: str, field: str, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A signal, and the same for Elasticsearch."""
    signal = {"field": field, "decay": curve, **parameters}
    if "at_scale" in parameters:
        parameters["decay"] = parameters.pop("at_scale")
    if parameters.get("origin") == NOW and field == "released":
        parameters["origin"] = "30/11/2026"
        signal["origin"] = "2026-11-30"
    return signal, {curve: {field: parameters}}


FACTORS = [
    ({"field": field, "modifier": modifier},
     {"field_value_factor": {"field": field, "modifier": modifier, "missing": 1}})
    for field in ("price", "cents", "stock", "in_stock")
    for modifier in ("none", "log1p", "sqrt", "reciprocal")
    if modifier != "reciprocal" or field in ("price", "cents")
]  # fmt: skip
DECAYS = [
    _decay(curve, *given, **parameters)
    for curve in ("gauss", "exp", "linear")
    for given, parameters in (
        (("price",), {"origin": 100, "scale": 50}),
        (("stock",), {"origin": "10", "scale": "20", "offset": 2, "at_scale": 0.3}),
        (("released",), {"origin": NOW, "scale": "365d", "offset": "30d"}),
        (("warehouse",), {"origin": ORIGIN, "scale": "2000km", "offset": "500mi"}),
        (("warehouse",), {"origin": ORIGIN, "scale": 900000}),
    )
]


@pytest.mark.parametrize(("signal", "function"), [*FACTORS, *DECAYS])
def test_a_field_s_value_is_elasticsearch_s(
    searcher: Searcher, signal: dict[str, Any], function: dict[str, Any]
) -> None:
    ours, theirs = _values(searcher, signal), _function_scores(searcher, function)
    having = {id_ for id_, row in _rows() if signal["field"] in row}
    assert 60 < len(having) < 120
    for id_, value in ours.items():
        expected = theirs[id_] if id_ in having else -7
        assert value == pytest.approx(expected, rel=2e-6, abs=1e-6), id_


def test_now_is_the_time_of_the_search(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_796_040_000.0)
    signal = {"field": "released", "decay": "exp", "scale": "365d"}
    assert _values(searcher, signal) == _values(searcher, {**signal, "origin": NOW})
    assert _values(searcher, signal) == _values(searcher, {**signal, "origin": "now"})
    assert _values(searcher, signal) == _values(searcher, {**signal, "origin": 1796040000000})


def test_dates_with_nanoseconds_count_as_dates(searcher: Searcher) -> None:
    """Elasticsearch takes the nanoseconds for milliseconds: all decays are 0."""
    signal = {"field": "seen", "decay": "linear", "origin": NOW, "scale": "30d"}
    values = _values(searcher, signal)
    theirs = {"linear": {"seen": {"origin": NOW, "scale": "30d"}}}
    assert set(_function_scores(searcher, theirs).values()) == {0, 1}  # 1 without a date
    for id_, row in _rows():
        if "seen" in row:
            days = (1_796_040_000 - datetime.fromisoformat(row["seen"]).timestamp()) / 86400
            assert values[id_] == pytest.approx(1 - days / 60, abs=1e-9)


def test_a_filter_counts_1_where_it_matches(searcher: Searcher) -> None:
    values = _values(searcher, {"filter": {"stock": {"gte": 7}, "brand": ["a", "b"]}})
    rows = dict(_rows())
    stocks = {id_: rows[id_].get("stock", 0) for id_ in rows}
    highest = {id_: max(s) if isinstance(s, list) else s for id_, s in stocks.items()}
    assert values == {
        id_: float(highest[id_] >= 7 and row.get("brand") in ("a", "b"))
        for id_, row in rows.items()
    }
    assert 10 < sum(values.values()) < 90


def test_random_numbers_are_those_of_seed_and_id(searcher: Searcher) -> None:
    values = _values(searcher, {"seed": 3})
    assert all(0 <= value < 1 for value in values.values())
    assert 0.4 < sum(values.values()) / len(values) < 0.6
    # Measured in another process: no hash that is salted.
    assert values["p0"] == 0.24630425069890183
    assert _values(searcher, {"seed": 4})["p0"] != values["p0"]


@pytest.mark.parametrize(
    ("value", "modifier"), [(-3, "log1p"), (-0.5, "log1p"), (-1, "sqrt"), (0, "reciprocal")]
)
def test_what_a_modifier_cannot_take_counts_as_missing(value: float, modifier: str) -> None:
    (signal,) = read_signals([{"field": "price", "modifier": modifier, "missing": 0.25}])
    read = module._value_of(signal, 0, 0.0)
    assert read({"fields": {"price": [value]}}, ()) == read({}, ()) == 0.25


def test_hits_that_only_the_signals_tell_apart_are_ordered_by_them(searcher: Searcher) -> None:
    """Fused by rank, 120 equal hits have scores from 1/61 to 1/180; a signal of 0.001 decides."""
    fused = Rrf(children=(Child(Standard(query={"match_all": {}})),), rank_window_size=200)
    plain = [hit["_id"] for hit in _found(searcher, fused).hits]
    signal = {"filter": {"in_stock": True}, "weight": 0.001}
    found = [hit["_id"] for hit in _found(searcher, _root(signal, child=fused)).hits]
    in_stock = {id_ for id_, row in _rows() if row.get("in_stock")}
    assert found == [*(i for i in plain if i in in_stock), *(i for i in plain if i not in in_stock)]


@pytest.mark.parametrize("combine", ["sum", "product"])
def test_shares_make_up_the_score_whatever_the_signals(searcher: Searcher, combine: str) -> None:
    wild: list[dict[str, Any]] = [
        {"field": "price", "weight": 1e300},
        {"field": "stock", "weight": -1e300},
        {"field": "in_stock", "weight": -1},
        {"seed": 1, "weight": -5},
    ]
    root = _root(*wild, signal_combine=combine, signal_bound=0.2)
    for hit in _found(searcher, root, explain=True).hits:
        shares = [each["value"] for each in hit["_explanation"]["details"]]
        whole = sum(shares) if combine == "sum" else math.prod(shares)
        assert hit["_score"] == pytest.approx(whole, abs=1e-6)
        assert 0.8 - 1e-6 <= hit["_score"] <= 1.2 + 1e-6


def test_the_page_does_not_show_what_signals_read(searcher: Searcher) -> None:
    signals: list[dict[str, Any]] = [
        {"field": "price"},
        {"filter": {"brand": "a"}},
        {"field": "released", **_AGE},
    ]
    for hit in _found(searcher, _root(*signals), fetch={"_source": False}).hits:
        assert hit.keys() == {"_index", "_id", "_score"}


_AGE = {"decay": "exp", "scale": "100d"}


def test_a_page_that_shows_the_same_fields_gets_its_own_values(searcher: Searcher) -> None:
    root = _root({"field": "released", **_AGE}, {"field": "price", "weight": 1e-6})
    fetch = {"fields": ["released", "pri*"], "docvalue_fields": ["stock"], "_source": False}
    rows = dict(_rows())
    for hit in _found(searcher, root, fetch=fetch).hits:
        fields, row = hit.get("fields", {}), rows[hit["_id"]]
        assert fields.get("released", [None]) == [row.get("released")]
        assert fields.get("price", [None]) == [row.get("price")]
    again = _found(searcher, root, fetch={"docvalue_fields": ["stock"], "_source": False}).hits
    assert {name for hit in again for name in hit.get("fields", ())} == {"stock"}


def test_a_field_without_numbers_is_named(searcher: Searcher) -> None:
    with pytest.raises(RequestRefused, match=r"signal brand: \[brand\] holds '.', which is no num"):
        _found(searcher, _root({"field": "brand"}))
