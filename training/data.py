"""The data sets that training and the benchmarks read, and loading their products."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import es_hybrid.data
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import Settings
from ingest.load.job import LoadJob

__all__ = ["CHORUS", "ORACLE", "SAMPLE", "SHARED", "cluster", "judged_data", "load_products"]

SHARED = Path(__file__).parents[1] / "../shared/data"
CHORUS = SHARED / "chorus-icecat"
ORACLE = SHARED / "oracle-oe-multilingual"
SAMPLE = Path(es_hybrid.data.__path__[0])


@contextlib.contextmanager
def cluster(url: str | None = None, *, heap: str = "1g") -> Iterator[str]:
    """URL of the given Elasticsearch, or of a fresh embedded node."""
    if url is not None:
        yield url
    else:
        with EmbeddedNode(heap=heap) as node:
            yield node.url


def judged_data(*, smoke: bool) -> dict[str, Path]:
    """Name and folder of each data set with judged queries; the sample alone if need be."""
    if smoke or not CHORUS.exists():
        return {"sample": SAMPLE}
    return {"chorus": CHORUS, "oracle": ORACLE, "sample": SAMPLE}


def load_products(
    settings: Settings,
    products: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> int:
    """Load a JSONL file into the configured index; returns the number of rows."""
    with tempfile.TemporaryDirectory() as folder:
        job = LoadJob.of(
            settings,
            [str(products)],
            file_format="jsonl",
            mapping=dict(mapping or {}),
            dead_letters=Path(folder, "rejected.jsonl"),
        )
        job.run(say=say, on_progress=lambda tally: None)
    return job.tally.rows
