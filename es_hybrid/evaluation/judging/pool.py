"""A pool: the results to judge next, in a file, one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.items import items
from es_hybrid.files import replacing, writable


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolItem:
    """A product to judge for a query.

    Attributes:
        fields: What a judge sees of the product, by name.
        stages: Stage -> rank there, from 1; never shown to a judge.
        priority: Why it is in the pool: how much a judgement can change figures and comparisons.
    """

    query_id: str
    query: str
    id: str
    lang: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    stages: Mapping[str, int] = field(default_factory=dict)
    priority: float = 0.0

    @property
    def pair(self) -> tuple[str, str]:
        """(query id, document id)."""
        return self.query_id, self.id


_ITEM = TypeAdapter(PoolItem)


def write_pool(pool: Iterable[PoolItem], path: Path) -> None:
    """Write the items in their order, replacing the file.

    Raises:
        StorageError: the file cannot be written.
    """
    with writable(path, remedy="check the folder"), replacing(path) as file:
        for item in pool:
            file.write(orjson.dumps(item) + b"\n")


def read_pool(path: Path) -> list[PoolItem]:
    """Read a pool; of a pair that occurs again, the first counts.

    Raises:
        EvaluationError: the file cannot be read, or a line is no item; names file and line.
    """
    if not path.exists():
        raise EvaluationError(
            "no pool yet", place=str(path), remedy="write one with `es-hybrid eval sample`"
        )
    found: dict[tuple[str, str], PoolItem] = {}
    remedy = "write the pool with `es-hybrid eval sample`"
    for item in items(path, _ITEM, what="item of a pool", remedy=remedy):
        found.setdefault(item.pair, item)
    return list(found.values())
