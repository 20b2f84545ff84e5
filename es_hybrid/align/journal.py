"""The state of a run in its store, from which it resumes."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import orjson

from es_hybrid.align.blocking import Candidate
from es_hybrid.align.decisions import PAIRS, record_of
from es_hybrid.align.evidence import FoundPair
from es_hybrid.align.groups import GroupMember
from es_hybrid.align.records import PairRecord
from es_hybrid.align.store import connected, make_store
from es_hybrid.errors import AlignError
from es_hybrid.records import Product
from es_hybrid.retrieval.response import StageRank

__all__ = ["Journal"]

_BACK = "back"
# The fact that names the reranker whose scores are in `candidates`.
_RERANKER = "reranker"


class Journal:
    """A store as a run uses it; people use `ReviewStore`."""

    def __init__(self, path: Path) -> None:
        """Open the store of a run.

        Raises:
            AlignError: there is none.
        """
        with connected(path):
            self._path = path

    @classmethod
    def made(cls, path: Path) -> Self:
        """Open the store, or create it.

        Raises:
            AlignError: it cannot be created, or is not a store.
        """
        make_store(path)
        return cls(path)

    def begin(self, facts: Mapping[str, str]) -> bool:
        """Start a run, or resume the one with the same facts.

        The results of a different run are deleted. People's decisions, group names and vectors
        stay.

        Args:
            facts: Everything that candidates depend on, and `right_side`.

        Returns:
            Whether an earlier run is resumed.
        """
        with connected(self._path, write=True) as connection:
            before = dict(connection.execute("SELECT name, value FROM facts").fetchall())
            if before.items() >= facts.items():
                return True
            for table in ("facts", "products", "done", "candidates", "pairs"):
                connection.execute(f"DELETE FROM {table}")  # nosec B608 # constant names
            connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        return False

    @property
    def facts(self) -> dict[str, str]:
        """The facts passed to `begin`.

        Raises:
            AlignError: no run has started.
        """
        with connected(self._path) as connection:
            facts = dict(connection.execute("SELECT name, value FROM facts").fetchall())
        if not facts:
            raise AlignError(
                "nothing is aligned yet", place=str(self._path), remedy="run: es-hybrid align run"
            )
        return facts

    @property
    def same_side(self) -> bool:
        """Whether a catalogue is aligned with itself."""
        return self.facts["right_side"] == "left"

    def done(self) -> set[str]:
        """The left ids whose candidates are stored."""
        with connected(self._path) as connection:
            return {id_ for (id_,) in connection.execute("SELECT left_id FROM done")}

    def add(self, found: Iterable[tuple[Product, Sequence[Candidate]]]) -> None:
        """Store products with their candidates, in one transaction."""
        same_side = self.same_side
        with connected(self._path, write=True) as connection:
            for left, candidates in found:
                _put_product(connection, "left", left)
                connection.execute("INSERT OR REPLACE INTO done VALUES (?)", (left.id,))
                for candidate in candidates:
                    right = candidate.product
                    _put_product(connection, "left" if same_side else "right", right)
                    _put_candidate(connection, left.id, candidate, turn=same_side)

    def found(self) -> list[FoundPair]:
        """Every pair, sorted by ids."""
        query = "SELECT left_id, right_id, cosine, stages FROM candidates ORDER BY 1, 2"
        with connected(self._path) as connection:
            rows = connection.execute(query)
            return [
                FoundPair(left, right, cosine, _stages(stages))
                for left, right, cosine, stages in rows
            ]

    def reranked(self, by: str) -> dict[tuple[str, str], float]:
        """Pair -> the reranker's score, so far. Scores of another reranker are deleted.

        Args:
            by: The model and its instructions.
        """
        with connected(self._path, write=True) as connection:
            named = "SELECT value FROM facts WHERE name = ?"
            if connection.execute(named, (_RERANKER,)).fetchone() != (by,):
                connection.execute("UPDATE candidates SET rerank = NULL")
                connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_RERANKER, by))
            query = "SELECT left_id, right_id, rerank FROM candidates WHERE rerank IS NOT NULL"
            return {(left, right): score for left, right, score in connection.execute(query)}

    def put_reranked(self, scores: Mapping[tuple[str, str], float]) -> None:
        """Store scores of the reranker."""
        with connected(self._path, write=True) as connection:
            connection.executemany(
                "UPDATE candidates SET rerank = ? WHERE left_id = ? AND right_id = ?",
                ((score, *pair) for pair, score in scores.items()),
            )

    def products(self) -> dict[str, dict[str, Product]]:
        """Side -> id -> product."""
        found: dict[str, dict[str, Product]] = {"left": {}, "right": {}}
        with connected(self._path) as connection:
            for side, id_, fields in connection.execute("SELECT side, id, fields FROM products"):
                found[side][id_] = _product(orjson.loads(fields))
        return found

    def put_pairs(self, records: Iterable[PairRecord]) -> None:
        """Store the decided pairs, replacing all earlier ones."""
        with connected(self._path, write=True) as connection:
            connection.execute("DELETE FROM pairs")
            connection.executemany(
                "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *record.pair, record.category, record.score, record.decision, record.rule,
                        record.scorer, record.instruction, record.model,
                        _stages_text(record.stages), record.time,
                    )
                    for record in records
                ),
            )  # fmt: skip

    def records(self) -> Iterator[PairRecord]:
        """Every pair with people's decisions applied, most likely first."""
        with connected(self._path) as connection:
            connection.row_factory = sqlite3.Row
            query = f"{PAIRS.format(more='0')} ORDER BY p.score DESC, p.left_id, p.right_id"
            yield from map(record_of, connection.execute(query))

    def decided(self) -> dict[tuple[str, str], bool]:
        """Pair -> whether a person accepted it, including pairs that this run did not find."""
        query = (
            "SELECT left_id, right_id, accept FROM decisions WHERE id IN ("
            "SELECT max(id) FROM decisions WHERE undone_at = '' GROUP BY left_id, right_id)"
        )
        with connected(self._path) as connection:
            return {(left, right): bool(yes) for left, right, yes in connection.execute(query)}

    def groups(self) -> dict[GroupMember, str]:
        """Product -> the name of its group."""
        with connected(self._path) as connection:
            rows = connection.execute("SELECT side, id, group_id FROM groups").fetchall()
        return {GroupMember(side, id_): group for side, id_, group in rows}

    def put_groups(self, names: Mapping[GroupMember, str]) -> None:
        """Store the groups, replacing all earlier ones."""
        with connected(self._path, write=True) as connection:
            connection.execute("DELETE FROM groups")
            rows = ((member.side, member.id, name) for member, name in names.items())
            connection.executemany("INSERT INTO groups VALUES (?, ?, ?)", rows)

    def vectors(self, model: str, hashes: Sequence[str]) -> dict[str, bytes]:
        """Hash of a text -> its vector, for those that are stored."""
        query = "SELECT vector FROM vectors WHERE model = ? AND hash = ?"
        with connected(self._path) as connection:
            rows = {hash_: connection.execute(query, (model, hash_)).fetchone() for hash_ in hashes}
        return {hash_: row[0] for hash_, row in rows.items() if row}

    def put_vectors(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Store vectors by the hash of their text."""
        with connected(self._path, write=True) as connection:
            rows = ((model, hash_, vector) for hash_, vector in vectors.items())
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def _put_product(connection: sqlite3.Connection, side: str, product: Product) -> None:
    filled = {name: value for name, value in dataclasses.asdict(product).items() if value}
    connection.execute(
        "INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?)",
        (side, product.id, product.title, product.lang, orjson.dumps(filled).decode()),
    )


def _product(fields: Mapping[str, Any]) -> Product:
    """The product from JSON, which has no tuples."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return Product(**given)


def _stages(text: str) -> dict[str, StageRank]:
    return {name: StageRank(*found) for name, found in orjson.loads(text).items()}


def _stages_text(stages: Mapping[str, StageRank]) -> str:
    ranks = {name: [place.rank, place.score] for name, place in stages.items()}
    return orjson.dumps(ranks).decode()


def _put_candidate(
    connection: sqlite3.Connection, left_id: str, candidate: Candidate, *, turn: bool
) -> None:
    """Store a candidate. A pair within one catalogue is found from both products but stored once.

    Its smaller id is the left one. The stage found from the other product is called `back`.
    """
    pair, stages = (left_id, candidate.product.id), dict(candidate.stages)
    if turn and pair[0] > pair[1]:
        pair = (pair[1], pair[0])
        stages = {_BACK if name == "knn" else name: found for name, found in stages.items()}
    known = connection.execute(
        "SELECT stages FROM candidates WHERE left_id = ? AND right_id = ?", pair
    ).fetchone()
    before = _stages(known[0]) if known else {}
    connection.execute(
        "INSERT INTO candidates (left_id, right_id, cosine, stages) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET stages = excluded.stages",
        (*pair, candidate.cosine, _stages_text(before | stages)),
    )
