"""The data sets that training, benchmarks and tests read, and loading their products.

They are in the folder that the variable `ES_HYBRID_DATA` names; by default in `../shared/data`,
beside the checkout. docs/data.md says where each comes from.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import es_hybrid.data
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import Settings
from ingest.load.job import LoadJob

__all__ = [
    "ADVENTURE_WORKS",
    "CHORUS",
    "DATA",
    "ORACLE",
    "SAMPLE",
    "WORDNET",
    "cluster",
    "judged_data",
    "load_products",
    "required",
]

DATA = Path(os.environ.get("ES_HYBRID_DATA") or Path(__file__).parents[2] / "shared/data")
CHORUS = DATA / "chorus-icecat"
ORACLE = DATA / "oracle-oe-multilingual"
ADVENTURE_WORKS = DATA / "adventureworks-multilingual"
WORDNET = DATA / "wordnet"
SAMPLE = Path(es_hybrid.data.__path__[0])


# Fields of a data set that a load does not recognise by itself.
_MAPPINGS = {CHORUS: {"gtin": "ean"}}


def required(folder: Path) -> Path:
    """The folder of a data set; ends the program with an explanation if there is none."""
    if not folder.exists():
        sys.exit(
            f"error: {folder}: no such data set. Set ES_HYBRID_DATA to the folder that holds "
            f"{folder.name}; docs/data.md says where to get it"
        )
    return folder


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
    say: Callable[[str], None] = lambda line: None,
) -> int:
    """Load a JSONL file into the configured index; returns the number of rows."""
    with tempfile.TemporaryDirectory() as folder:
        job = LoadJob.of(
            settings,
            [str(products)],
            file_format="jsonl",
            mapping=_MAPPINGS.get(products.parent, {}),
            dead_letters=Path(folder, "rejected.jsonl"),
        )
        job.run(say=say, on_progress=lambda tally: None)
    return job.tally.rows
