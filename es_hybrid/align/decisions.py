"""The queue of pairs for review, and people's decisions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.align.records import Decision, PairRecord, ReviewPair
from es_hybrid.align.store import connected, now
from es_hybrid.errors import AlignError
from es_hybrid.retrieval.response import StageRank

__all__ = ["PAIRS", "ReviewStore", "record_of"]

# Each pair with the last decision that was not undone. The side of the right product is `left` if
# a catalogue is aligned with itself.
PAIRS = """
SELECT p.left_id, p.right_id, p.category, p.score, p.decision, p.rule, p.scorer, p.instruction,
    p.model, p.stages, p.time, l.title AS left_title, l.lang AS left_lang,
    r.title AS right_title, r.lang AS right_lang, d.accept, d.person, d.reason, {more}
FROM pairs p
JOIN products l ON l.side = 'left' AND l.id = p.left_id
JOIN products r ON r.id = p.right_id
    AND r.side = (SELECT value FROM facts WHERE name = 'right_side')
LEFT JOIN decisions d ON d.id = (
    SELECT max(id) FROM decisions
    WHERE left_id = p.left_id AND right_id = p.right_id AND undone_at = '')
"""
_FIELDS = "l.fields AS left_fields, r.fields AS right_fields"


class ReviewStore:
    """The review queue and decisions of an alignment; safe for several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open an alignment that `align run` created.

        Raises:
            AlignError: there is no alignment.
        """
        with connected(path):
            self._path = path

    def queue(self, limit: int, offset: int = 0, category: str | None = None) -> list[ReviewPair]:
        """Pairs for review, most likely first.

        Args:
            limit: Maximum number of pairs.
            offset: Number of pairs to skip.
            category: Restricts the queue to one category.
        """
        only = "" if category is None else "AND p.category = :category"
        query = (
            f"{PAIRS.format(more=_FIELDS)} WHERE p.decision = 'review' AND d.id IS NULL {only} "
            "ORDER BY p.score DESC, p.left_id, p.right_id LIMIT :limit OFFSET :offset"
        )
        given = {"limit": limit, "offset": offset, "category": category}
        with connected(self._path) as connection:
            connection.row_factory = sqlite3.Row
            return [_review_pair(row) for row in connection.execute(query, given)]

    def decide(self, pair: tuple[str, str], accept: bool, by: str, reason: str = "") -> Decision:
        """Store a person's decision about a pair of the alignment, whatever its score.

        A later decision about the same pair overrides an earlier one.

        Args:
            pair: (left id, right id), as `PairRecord.pair`.
            accept: Whether both are the same product.
            by: The person's name; not blank.

        Raises:
            AlignError: no such pair, or no name.
        """
        if not by.strip():
            raise AlignError("a decision needs a name", place="by", remedy="set the name")
        with connected(self._path, write=True) as connection:
            known = "SELECT 1 FROM pairs WHERE left_id = ? AND right_id = ?"
            if not connection.execute(known, pair).fetchone():
                raise AlignError(
                    f"no pair {pair[0]!r} and {pair[1]!r}",
                    place=str(self._path),
                    remedy="use ids from `align review` or from the exported pairs",
                )
            row = connection.execute(
                "INSERT INTO decisions (left_id, right_id, accept, person, reason, time) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                (*pair, accept, by.strip(), reason.strip(), now()),
            ).fetchone()
        return _decision(row)

    def undo(self, decision_id: int, by: str) -> Decision:
        """Undo a decision. It stays in the list, with the name of the person who undid it.

        Raises:
            AlignError: no such decision, it is already undone, or no name.
        """
        if not by.strip():
            raise AlignError("undoing needs a name", place="by", remedy="set the name")
        with connected(self._path, write=True) as connection:
            row = connection.execute(
                "UPDATE decisions SET undone_by = ?, undone_at = ? "
                "WHERE id = ? AND undone_at = '' RETURNING *",
                (by.strip(), now(), decision_id),
            ).fetchone()
        if row is None:
            raise AlignError(
                f"no decision {decision_id}, or it is already undone",
                place=str(self._path),
                remedy="list them with: es-hybrid align review --decisions",
            )
        return _decision(row)

    def decisions(self) -> list[Decision]:
        """All decisions in chronological order, including undone ones."""
        with connected(self._path) as connection:
            rows = connection.execute("SELECT * FROM decisions ORDER BY id").fetchall()
        return [_decision(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Number of pairs by state: `merge`, `review`, `discard`, `accepted`, `rejected`.

        A pair that a person decided counts only as `accepted` or `rejected`.
        """
        counts = dict.fromkeys(("merge", "review", "discard", "accepted", "rejected"), 0)
        query = (
            "SELECT CASE d.accept WHEN 1 THEN 'accepted' WHEN 0 THEN 'rejected' "
            "ELSE p.decision END AS stand, count(*) FROM pairs p LEFT JOIN decisions d ON d.id = ("
            "SELECT max(id) FROM decisions WHERE left_id = p.left_id AND right_id = p.right_id "
            "AND undone_at = '') GROUP BY stand"
        )
        with connected(self._path) as connection:
            return counts | dict(connection.execute(query).fetchall())

    def categories(self) -> list[str]:
        """The categories of the pairs, sorted."""
        with connected(self._path) as connection:
            rows = connection.execute("SELECT DISTINCT category FROM pairs ORDER BY category")
            return [category for (category,) in rows]


def record_of(row: sqlite3.Row) -> PairRecord:
    """The record of a row of `PAIRS`; a person's decision overrides the scores."""
    decision, rule = row["decision"], row["rule"]
    if row["accept"] is not None:
        decision = "merge" if row["accept"] else "discard"
        rule = ", ".join(filter(None, (f"person: {row['person']}", row["reason"])))
    stages = {name: StageRank(*found) for name, found in orjson.loads(row["stages"]).items()}
    same = (
        "left_id", "left_title", "left_lang", "right_id", "right_title", "right_lang", "category",
        "score", "scorer", "instruction", "model", "time",
    )  # fmt: skip
    given: dict[str, Any] = {name: row[name] for name in same}
    return PairRecord(**given, decision=decision, rule=rule, stages=stages)


def _review_pair(row: sqlite3.Row) -> ReviewPair:
    left, right = (orjson.loads(row[name]) for name in ("left_fields", "right_fields"))
    return ReviewPair(record=record_of(row), left=left, right=right)


def _decision(row: tuple[Any, ...]) -> Decision:
    id_, left_id, right_id, accept, by, reason, time, undone_by, undone_at = row
    return Decision(
        id=id_,
        left_id=left_id,
        right_id=right_id,
        accept=bool(accept),
        by=by,
        reason=reason,
        time=time,
        undone_by=undone_by,
        undone_at=undone_at,
    )
