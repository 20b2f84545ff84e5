"""Read logs of searches: es-hybrid's plain form and UBI's, one JSON object a line.

Plain, a page of results a line; `first` is the rank of the first one, 1 if it is missing:

    {"query": "kettle", "shown": ["4711", "4712"], "first": 1,
     "clicked": ["4712"], "carted": ["4712"], "ordered": []}

UBI (User Behavior Insights 1.x): lines of `ubi_queries` and of `ubi_events`, in any order and in
any number of files, also as bulk requests or as hits with `_source`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.clicks.counts import ACTIONS, LoggedSearch, ShopperAction
from es_hybrid.evaluation.judging.formats.rated import Reject
from es_hybrid.evaluation.judging.formats.text import lines
from es_hybrid.evaluation.judging.temporary import temporary_database

_PLAIN: Mapping[str, ShopperAction] = {"clicked": "click", "carted": "cart", "ordered": "order"}
_IMPRESSION = "impression"
# UBI leaves the names of actions to the shop; these are those of its documents and examples.
_UBI: Mapping[str, str] = {
    "impression": _IMPRESSION,
    "click": "click",
    "item_click": "click",
    "add_to_cart": "cart",
    "cart": "cart",
    "purchase": "order",
    "order": "order",
}
_TABLES = (
    "queries (query_id TEXT PRIMARY KEY, text TEXT, hits BLOB, attributes BLOB, time TEXT) "
    "WITHOUT ROWID",
    "events (query_id TEXT, id TEXT, action TEXT, rank INTEGER)",
)


@dataclass(slots=True)
class LogNotes:
    """What was found apart from searches.

    Attributes:
        ignored: Action of UBI that says nothing about a result -> events.
        unexplained: Events of UBI about a query, or a result, that was not logged as shown.
    """

    ignored: Counter[str] = field(default_factory=Counter)
    unexplained: int = 0


def read_log(paths: Sequence[Path], reject: Reject, notes: LogNotes) -> Iterator[LoggedSearch]:
    """Every search of the files. UBI's lines are joined in a temporary file, at the end.

    Args:
        reject: Called with every line that cannot be used.
        notes: Filled while reading.

    Raises:
        EvaluationError: a file cannot be read.
    """
    with temporary_database(*_TABLES) as ubi:
        for path in paths:
            for place, line in lines(path, reject):
                try:
                    search = _search(_object(line), ubi, notes)
                except (ValueError, TypeError, AttributeError) as error:
                    reject(
                        EvaluationError(
                            f"no search and no event: {error}",
                            place=place,
                            remedy="see docs/judgements.md for the two forms",
                        )
                    )
                    continue
                if search is not None:
                    yield search
        yield from _ubi_searches(ubi, notes)


def _object(line: str) -> Mapping[str, Any]:
    found = orjson.loads(line)
    if not isinstance(found, dict):
        raise TypeError("not a JSON object")
    return found.get("_source", found)  # type: ignore[no-any-return]  # checked where it is used


def _search(
    row: Mapping[str, Any], ubi: sqlite3.Connection, notes: LogNotes
) -> LoggedSearch | None:
    """The search of a plain line; None for a line of UBI, which is stored.

    Raises:
        ValueError, TypeError, AttributeError: the line has another form.
    """
    if "shown" in row:
        return _plain(row)
    if "action_name" in row:
        _store_event(row, ubi, notes)
    elif "query_id" in row:
        _store_query(row, ubi)
    elif "index" not in row and "create" not in row:  # the first line of a bulk request's pair
        raise ValueError("it has neither `shown` nor `query_id`")
    return None


def _plain(row: Mapping[str, Any]) -> LoggedSearch:
    first = int(row.get("first", 1))
    shown = [(_text(id_), rank) for rank, id_ in enumerate(row["shown"], first)]
    known = {id_ for id_, _ in shown}
    if len(known) < len(shown):
        raise ValueError("a result is shown twice")
    actions: dict[str, ShopperAction] = {}
    for name, action in _PLAIN.items():
        for id_ in map(_text, row.get(name) or ()):
            if id_ not in known:
                raise ValueError(f"{id_} is {name}, but not shown")
            actions[id_] = action
    return LoggedSearch(_query(row.get("query")), shown, actions)


def _query(text: Any) -> str:
    """The query, cleaned as a search does it, in lower case."""
    cleaned = clean_query(text).lower() if isinstance(text, str) else ""
    if not cleaned:
        raise ValueError("it has no query")
    return cleaned


def _text(id_: Any) -> str:
    if not isinstance(id_, str | int) or isinstance(id_, bool) or id_ == "":
        raise ValueError(f"{id_!r} is no id")
    return str(id_)


def _store_query(row: Mapping[str, Any], ubi: sqlite3.Connection) -> None:
    """Store a query; of one logged several times, the longest list of hits: its pages so far."""
    hits = [_text(id_) for id_ in row.get("query_response_hit_ids") or ()]
    attributes = row.get("query_attributes") or {}
    if not isinstance(attributes, dict):
        raise ValueError("`query_attributes` is not an object")
    ubi.execute(
        "INSERT INTO queries VALUES (?, ?, ?, ?, ?) ON CONFLICT (query_id) DO UPDATE SET "
        "text = excluded.text, hits = excluded.hits, attributes = excluded.attributes, "
        "time = excluded.time WHERE length(excluded.hits) >= length(hits)",
        (
            _text(row["query_id"]),
            _query(row.get("user_query")),
            orjson.dumps(hits),
            orjson.dumps(attributes),
            str(row.get("timestamp", "")),
        ),
    )


def _store_event(row: Mapping[str, Any], ubi: sqlite3.Connection, notes: LogNotes) -> None:
    action = _UBI.get(row["action_name"])
    if action is None:
        notes.ignored[str(row["action_name"])] += 1
        return
    attributes = row.get("event_attributes") or {}
    id_ = _text((attributes.get("object") or {}).get("object_id"))
    query_id = _text(row.get("query_id"))
    position = (attributes.get("position") or {}).get("ordinal", attributes.get("rank"))
    rank = None if position is None else int(position)
    if action == _IMPRESSION and rank is None:
        raise ValueError("an impression without `position.ordinal`")
    ubi.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (query_id, id_, action, rank))
    if isinstance(row.get("user_query"), str):
        ubi.execute(
            "INSERT OR IGNORE INTO queries VALUES (?, ?, ?, ?, ?)",
            (query_id, _query(row["user_query"]), b"[]", b"{}", ""),
        )


def _ubi_searches(ubi: sqlite3.Connection, notes: LogNotes) -> Iterator[LoggedSearch]:
    stored = ubi.execute(
        "SELECT q.query_id, q.text, q.hits, q.attributes, q.time, e.id, e.action, e.rank "
        "FROM queries q "
        "LEFT JOIN events e ON e.query_id = q.query_id ORDER BY q.query_id"
    )
    for _, rows in groupby(stored, key=itemgetter(0)):
        search = _joined_search(list(rows), notes)
        if search.shown:
            yield search
    (lost,) = ubi.execute(
        "SELECT count(*) FROM events WHERE query_id NOT IN (SELECT query_id FROM queries)"
    ).fetchone()
    notes.unexplained += lost


def _joined_search(rows: Sequence[tuple[Any, ...]], notes: LogNotes) -> LoggedSearch:
    """A query of UBI with its events.

    What was seen is what has impressions; if nothing has, it is all that the query returned.
    """
    _, text, hits, attributes, time, *_ = rows[0]
    events = [(id_, action, rank) for *_, id_, action, rank in rows if id_ is not None]
    seen = {id_: rank for id_, action, rank in events if action == _IMPRESSION}
    if not seen:
        seen = {id_: rank for rank, id_ in enumerate(orjson.loads(hits), 1)}
    actions = _strongest((id_, action) for id_, action, _ in events if action != _IMPRESSION)
    notes.unexplained += len(actions.keys() - seen.keys())
    return LoggedSearch(text, list(seen.items()), actions, orjson.loads(attributes), time)


def _strongest(events: Iterable[tuple[str, ShopperAction]]) -> dict[str, ShopperAction]:
    found: dict[str, ShopperAction] = {}
    for id_, action in events:
        found[id_] = max(found.get(id_, action), action, key=ACTIONS.index)
    return found
