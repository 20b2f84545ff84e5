"""Writing into an index: operations, bulk requests and their outcomes.

Every operation carries an external version or the sequence number of the document it changes, so
sending it twice does no harm. Knows nothing about products and vectors.
"""

from es_hybrid.waiting import Patience
from ingest.writing.limit import AdaptiveLimit
from ingest.writing.operation import (
    Operation,
    Outcome,
    delete_operation,
    index_operation,
    update_operation,
)
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
