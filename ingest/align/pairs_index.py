"""Writes pairs to an index, for viewing in Kibana."""

from __future__ import annotations

import hashlib
import itertools
import time
from contextlib import closing
from pathlib import Path

from es_hybrid.align.journal import Journal
from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.errors import AlignError
from es_hybrid.settings import Settings
from es_hybrid.waiting import Patience
from ingest.align.export import pair_row
from ingest.writing import AdaptiveLimit, BulkWriter, index_operation

__all__ = ["index_pairs"]

_BATCH = 1000
_KEYWORDS = (
    "left_id", "left_lang", "right_id", "right_lang", "category", "decision", "rule", "scorer",
    "instruction", "model",
)  # fmt: skip
_MAPPINGS = {
    "dynamic": False,
    "properties": {
        **{name: {"type": "keyword", "ignore_above": 1024} for name in _KEYWORDS},
        "left_title": {"type": "text"},
        "right_title": {"type": "text"},
        "score": {"type": "float"},
        "time": {"type": "date"},
        "stages": {"type": "object", "enabled": False},
    },
}


def index_pairs(store: Path, settings: Settings, index: str) -> int:
    """Write every pair as one document, which later runs overwrite, and return their number.

    Raises:
        ElasticsearchError: the cluster refuses a request.
        Outage: the cluster stays unavailable.
        AlignError: the index refused some pairs.
    """
    place = resolve_url(settings.elasticsearch)
    version = time.time_ns() // 1000
    count, refused = 0, []
    with closing(connect(settings.elasticsearch)) as client:
        with translated(place):
            if not client.indices.exists(index=index):
                client.indices.create(index=index, mappings=_MAPPINGS)
        writer = BulkWriter(
            client,
            index,
            place=place,
            patience=Patience(settings.ingest.max_outage_s),
            limit=AdaptiveLimit(settings.ingest.bulk_concurrency),
        )
        records = Journal(store).records()
        while batch := list(itertools.islice(records, _BATCH)):
            operations = [
                index_operation(_id_of(record.pair), pair_row(record), version=version)
                for record in batch
            ]
            refused += [each for each in writer.send(operations) if not each.written]
            count += len(batch)
        with translated(place):
            client.indices.refresh(index=index)
    if refused:
        raise AlignError(
            f"the index refused {len(refused)} pairs: {refused[0].reason}",
            place=f"index {index}",
            remedy="use a separate index for pairs",
        )
    return count


def _id_of(pair: tuple[str, str]) -> str:
    """A document id for the pair; product ids may be long and contain any separator."""
    return hashlib.sha256("\0".join(pair).encode()).hexdigest()
