"""How fast an exported reranker is on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.samples import SAMPLES

__all__ = ["Timing", "measure"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Calls of one size.

    Attributes:
        documents: In one call.
        p50, p99: Milliseconds of a call.
        pairs_per_second: Over all calls.
    """

    documents: int
    p50: float
    p99: float
    pairs_per_second: float


def measure(reranker: OnnxReranker, documents: int, *, words: int = 30, calls: int = 10) -> Timing:
    """Time calls with that many documents each, every call with a query of its own.

    A query that was seen before would have its part of the prompt computed already.
    """
    texts = _texts(documents, words)
    spent = []
    for call in range(calls):
        started = time.perf_counter()
        reranker.score(f"query {call} of {documents}", texts)
        spent.append(time.perf_counter() - started)
    p50, p99 = np.percentile(np.array(spent) * 1000.0, [50, 99])
    return Timing(documents, float(p50), float(p99), documents * calls / sum(spent))


def _texts(count: int, words: int) -> Sequence[str]:
    pool = " ".join(text for texts in SAMPLES.values() for text in texts).split()
    return [" ".join(pool[(i + j) % len(pool)] for j in range(words)) for i in range(count)]
