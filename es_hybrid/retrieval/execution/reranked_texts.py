"""The texts of a hit that the reranker scores, and the score that follows from theirs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from es_hybrid.retrieval.execution.chunks import best_chunks
from es_hybrid.retrieval.nodes import DocumentText, Rerank


def texts_to_rerank(node: Rerank, hit: Mapping[str, Any]) -> list[DocumentText]:
    """The texts to score for a hit: its whole text, or the best chunks of it."""
    document = _document(node, hit)
    if node.chunks is None:
        return [document]
    chunks = best_chunks(document.text, node.chunks, node.text)
    return [document._replace(text=chunk) for chunk in chunks]


def best_scores(values: Sequence[float], counts: Sequence[int]) -> list[float]:
    """The best score of each document; NaN if none of its texts was scored.

    Args:
        values: One for each text, documents in order.
        counts: Texts of each document, at least one.
    """
    left = iter(values)
    scores = [list(islice(left, count)) for count in counts]
    return [max((v for v in of if not math.isnan(v)), default=math.nan) for of in scores]


def _document(node: Rerank, hit: Mapping[str, Any]) -> DocumentText:
    """The text of a hit for the reranker."""
    if node.document is not None:
        return node.document(hit["_id"], hit["_source"])
    values = hit.get("fields", {}).get(node.field, [])
    return DocumentText(" ".join(str(value) for value in values))
