"""Logs in the plain form and in UBI's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.clicks.counts import LoggedSearch, count
from es_hybrid.evaluation.judging.clicks.log import LogNotes, read_log


def _read(path: Path, rows: Sequence[Any]) -> tuple[list[LoggedSearch], list[str], LogNotes]:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    rejected: list[str] = []
    notes = LogNotes()
    found = list(read_log([path], lambda error: rejected.append(str(error)), notes))
    return found, [each.replace(f"{path.parent}/", "") for each in rejected], notes


def _event(query_id: str, action: str, id_: str, ordinal: int | None = None) -> dict[str, Any]:
    attributes: dict[str, Any] = {"object": {"object_id": id_, "object_id_field": "ean"}}
    if ordinal is not None:
        attributes["position"] = {"ordinal": ordinal}
    return {
        "action_name": action, "query_id": query_id, "client_id": "c", "session_id": "s",
        "timestamp": "2026-11-30T08:00:00Z", "message": None, "event_attributes": attributes,
    }  # fmt: skip


def test_the_plain_form(tmp_path: Path) -> None:
    found, rejected, _ = _read(
        tmp_path / "log.jsonl",
        [
            {"query": " Kettle ", "shown": ["a", 2], "clicked": [2], "carted": ["a"], "first": 11},
            {"query": "kettle", "shown": ["b"], "clicked": ["b"], "ordered": ["b"]},
            {"query": "pan", "shown": []},
        ],
    )
    assert rejected == []
    assert found == [
        LoggedSearch("kettle", [("a", 11), ("2", 12)], {"2": "click", "a": "cart"}),
        LoggedSearch("kettle", [("b", 1)], {"b": "order"}),
        LoggedSearch("pan", [], {}),
    ]


def test_every_bad_line_is_rejected(tmp_path: Path) -> None:
    found, rejected, _ = _read(
        tmp_path / "log.jsonl",
        [
            "{", "[]", {"text": "x"}, {"query": "", "shown": ["a"]},
            {"query": "x", "shown": ["a", "a"]}, {"query": "x", "shown": ["a"], "clicked": ["b"]},
            {"query": "x", "shown": [None]}, {"query": "x", "shown": "first"[0:0] or 7},
            _event("q", "impression", "a"), {"action_name": "click", "query_id": "q"},
            {"query": "good", "shown": ["a"]},
        ],
    )  # fmt: skip
    assert [search.query for search in found] == ["good"]
    places = [each.partition(" no search and no event: ")[0] for each in rejected]
    assert places == [f"log.jsonl:{number}:" for number in range(1, 11)]
    assert "b is clicked, but not shown" in rejected[5]
    assert "an impression without `position.ordinal`" in rejected[8]


def test_ubi_with_impressions(tmp_path: Path) -> None:
    query = {"query_id": "1", "user_query": "Laptop", "query_response_hit_ids": ["a", "b", "c"]}
    found, rejected, notes = _read(
        tmp_path / "ubi.ndjson",
        [
            _event("1", "add_to_cart", "b", 2),  # before its query
            {"index": {"_index": "ubi_queries", "_id": "x"}},
            query,
            _event("1", "impression", "a", 1),
            {"_index": "ubi_events", "_id": "9", "_source": _event("1", "impression", "b", 2)},
            _event("1", "click", "b", 2),
            _event("1", "click", "c", 3),  # not seen
            _event("1", "product_hover", "a", 1),
            _event("9", "click", "a", 1),  # its query was not logged
        ],
    )
    assert rejected == []
    assert found == [LoggedSearch("laptop", [("a", 1), ("b", 2)], {"b": "cart", "c": "click"})]
    assert (dict(notes.ignored), notes.unexplained) == ({"product_hover": 1}, 2)


def test_ubi_without_impressions_counts_what_the_query_returned(tmp_path: Path) -> None:
    found, _, _ = _read(
        tmp_path / "ubi.jsonl",
        [
            {"query_id": "1", "user_query": "Laptop", "query_response_hit_ids": ["a", "b"]},
            {"query_id": "2", "user_query": "none", "query_response_hit_ids": None},
            _event("1", "purchase", "a"),
            _event("1", "click", "a"),
        ],
    )
    assert found == [LoggedSearch("laptop", [("a", 1), ("b", 2)], {"a": "order"})]


def test_a_log_without_clicks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no result was shown and clicked"):
        count([LoggedSearch("q", [("a", 1)], {})])
    with pytest.raises(EvaluationError, match=r"none\.jsonl: no such file"):
        list(read_log([tmp_path / "none.jsonl"], lambda error: None, LogNotes()))


def test_a_query_logged_for_each_page_has_the_hits_of_its_last_page(tmp_path: Path) -> None:
    pages = [
        {
            "query_id": "q", "user_query": "kettle", "query_response_hit_ids": hits,
            "query_attributes": {"pages": len(hits)}, "timestamp": "2026-11-30T08:00:00Z",
        }
        for hits in (["a", "b"], ["a", "b", "c", "d"], ["a", "b"])
    ]  # fmt: skip
    found, rejected, _ = _read(tmp_path / "log.jsonl", [*pages, _event("q", "click", "d")])
    assert rejected == []
    shown = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    time = "2026-11-30T08:00:00Z"
    assert found == [LoggedSearch("kettle", shown, {"d": "click"}, {"pages": 4}, time)]
    bad = {"query_id": "q", "user_query": "x", "query_attributes": ["x"]}
    assert "`query_attributes` is not an object" in _read(tmp_path / "log.jsonl", [bad])[1][0]
