"""What the search finds in the catalogue: for learning, and for the judgement of what was learned.

A node of its own is started and loaded, about a minute; the lists are kept in a file.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from es_hybrid.evaluation.runs import DEPTH
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from ingest.load.job import LoadJob
from training.catalogue import SHARED

__all__ = ["CHORUS", "Lists", "loaded_index"]

CHORUS = SHARED / "chorus-icecat/products.jsonl"


@contextlib.contextmanager
def loaded_index(products: Path = CHORUS) -> Iterator[Settings]:
    """The settings of a search, without a reranker, over a fresh index on a fresh node."""
    with EmbeddedNode() as node, tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            flags={
                "elasticsearch": {"url": node.url},
                "index": {"name": "training"},
                "rerank": {"enabled": False},
            }
        )
        job = LoadJob.of(
            settings,
            [str(products)],
            file_format="jsonl",
            mapping={},
            dead_letters=Path(folder, "rejected.jsonl"),
        )
        job.run(say=lambda line: None, on_progress=lambda tally: None)
        yield settings


class Lists:
    """Ids by query and mode, from a file where it has them, else from the search.

    Args:
        path: JSON lines of query, mode and ids; made and added to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shop: HybridSearch | None = None
        self._closing = contextlib.ExitStack()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
        self._lists: dict[tuple[str, str], list[str]] = {
            (query, mode): ids for query, mode, ids in map(json.loads, lines)
        }

    def __call__(self, query: str, mode: Mode) -> Sequence[str]:
        """The first `DEPTH` ids."""
        if (query, mode) not in self._lists:
            if self._shop is None:
                settings = self._closing.enter_context(loaded_index())
                self._shop = self._closing.enter_context(HybridSearch.open(settings))
                self._file = self._closing.enter_context(self._path.open("a", encoding="utf-8"))
            response = self._shop.search(query, mode=mode, rerank=False, size=DEPTH, timeout_ms=0)
            ids = [hit.id for hit in response.hits]
            self._lists[query, mode] = ids
            self._file.write(json.dumps([query, mode, ids], ensure_ascii=False) + "\n")
        return self._lists[query, mode]

    def __enter__(self) -> Lists:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()
