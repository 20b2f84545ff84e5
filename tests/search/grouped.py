"""Made products with variants, and what a search that groups them must find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_variants import GROUP
from es_hybrid.retrieval.response import SearchResponse, StageRank
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from ingest.load.job import LoadJob

# Groups; and neighbours that the vector leg considers.
WINDOW, CANDIDATES = 12, 200

Row = dict[str, Any]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def group_of(row: Mapping[str, Any]) -> str:
    """The group of a product; without variants it is one of its own."""
    parent = row.get("attributes", {}).get("parent")
    return str(parent) if parent else f"alone {row['id']}"


def settings_for(url: str, index: str, folder: Path) -> Settings:
    """Small windows, and exact neighbours."""
    return load_settings(
        flags={
            "elasticsearch": {"url": url},
            "index": {"name": index, "vector_type": "flat"},
            "ingest": {"ledger_dir": folder / "ledgers"},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0, "window": WINDOW, "num_candidates": CANDIDATES},
        }
    )


def loaded(settings: Settings, rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Load the rows."""
    source = str(write_rows(folder / "rows.jsonl", rows))
    rejected = folder / "rejected.jsonl"
    job = LoadJob.of(settings, [source], file_format=None, mapping={}, dead_letters=rejected)
    job.run(say=lambda line: None, on_progress=lambda tally: None)
    assert job.tally.rejected == 0


class Model:
    """What a grouped search must find, from the whole rankings of a plain one's legs."""

    group: Callable[[Row], str] = staticmethod(group_of)

    def __init__(
        self, shop: HybridSearch, rows: Mapping[str, Row], text: str, **options: Any
    ) -> None:
        self._rows = rows
        _, stages = shop.search_in_stages(text, size=1000, **options)
        self._legs = {name: self._ranked(stages.get(name, {})) for name in ("bm25", "knn")}
        self._legs["knn"] = self._legs["knn"][:CANDIDATES]
        self._weights = {"bm25": 1.0, "knn": 0.7}

    def _ranked(self, ranks: Mapping[Any, StageRank]) -> list[str]:
        return [key.id for key in sorted(ranks, key=lambda key: ranks[key].rank)]

    def window(self, leg: str) -> list[str]:
        """Up to the first document of the last group of the window."""
        groups, kept = set(), []
        for id_ in self._legs[leg]:
            groups.add(self.group(self._rows[id_]))
            kept.append(id_)
            if len(groups) == WINDOW:
                break
        return kept

    def matches(self) -> set[str]:
        return {*self._legs["bm25"], *self.window("knn")}

    def fused(self) -> list[str]:
        scores: Counter[str] = Counter()
        for leg, weight in self._weights.items():
            for rank, id_ in enumerate(self.window(leg), 1):
                scores[id_] += np.float32(weight / (60 + rank))  # type: ignore[assignment]
        return sorted(scores, key=lambda id_: -scores[id_])

    def documents(self) -> list[str]:
        """The window by fused score, then what else has the words."""
        fused = self.fused()
        return fused + [id_ for id_ in self._legs["bm25"] if id_ not in set(fused)]

    def best(self, documents: Iterable[str] | None = None) -> list[str]:
        first: dict[str, str] = {}
        for id_ in self.documents() if documents is None else documents:
            first.setdefault(self.group(self._rows[id_]), id_)
        return list(first.values())


def counted(
    rows: Mapping[str, Row],
    ids: Iterable[str],
    value: Callable[[Row], str],
    *,
    groups: bool,
    group: Callable[[Row], str] = group_of,
) -> dict[str, int]:
    pairs = {(value(rows[id_]), group(rows[id_]) if groups else id_) for id_ in ids}
    return dict(Counter(value_ for value_, _ in pairs))


def pages(shop: HybridSearch, text: str, **options: Any) -> list[SearchResponse]:
    """All pages; grouped by `GROUP` if the options do not group."""
    grouped = {"collapse": GROUP} if "display_lang" not in options else {}
    first = shop.search(text, **grouped, **options)
    rest = [
        shop.search(text, page=page, **grouped, **options) for page in range(2, first.pages + 1)
    ]
    return [first, *rest]


def ids_of(found: Sequence[SearchResponse]) -> list[str]:
    return [hit.id for page in found for hit in page.hits]
