"""Writing into an index: operations, bulk requests, outcomes.

Every operation carries an external version or the sequence number of what it changes, so that
sending one twice does no harm: what is in doubt (a lost answer) is simply sent again. Knows
nothing about products and vectors.
"""

from es_hybrid.waiting import Patience
from ingest.writing.limit import AdaptiveLimit
from ingest.writing.operation import (
    Operation,
    delete_operation,
    index_operation,
    update_operation,
)
from ingest.writing.outcome import Outcome
from ingest.writing.patiently import patiently
from ingest.writing.writer import BulkWriter

__all__ = [
    "AdaptiveLimit",
    "BulkWriter",
    "Operation",
    "Outcome",
    "Patience",
    "delete_operation",
    "index_operation",
    "patiently",
    "update_operation",
]
