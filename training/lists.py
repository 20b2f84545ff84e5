"""Search results over the catalogue, for training and for evaluation.

Starting a node and loading the catalogue takes about a minute. Results are cached in a file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from es_hybrid.evaluation.runs import DEPTH
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from training.data import CHORUS, cluster, load_products

__all__ = ["Lists", "loaded_index"]


@contextlib.contextmanager
def loaded_index(catalogue: Path = CHORUS, url: str | None = None) -> Iterator[Settings]:
    """Load a catalogue and yield the settings of a search over it, without a reranker.

    Args:
        catalogue: Folder with a `products.jsonl`.
        url: Elasticsearch to use; None starts an embedded node.
    """
    with cluster(url) as found:
        settings = load_settings(
            flags={
                "elasticsearch": {"url": found},
                "index": {"name": f"training-{catalogue.name}"},
                "rerank": {"enabled": False},
            }
        )
        load_products(settings, catalogue / "products.jsonl")
        yield settings


class Lists:
    """Ids of the hits by query and mode, read from a cache file or searched.

    Args:
        path: The cache: JSON lines of query, mode and ids. Created if missing.
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
