"""The parity gate: an exported graph held against the model it was made from.

What decides: in fp32 and fp16 the largest difference of a score, in int8 the agreement of the
two orders, since that is what a reranker is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from es_hybrid.reranking.manifest import Parity
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.samples import LONG, SAMPLES
from es_hybrid.reranking.session import Provider
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

__all__ = ["AGREEMENT", "TOLERANCES", "Comparison", "kendall_tau", "verify"]

TOLERANCES = {"fp32": 1e-4, "fp16": 5e-3}
AGREEMENT = 0.9  # Kendall's tau an int8 graph must reach

# Tokens of a batch: every document by itself, few together, all together.
_BUDGETS = (1, 256, 1 << 20)


class Reference(Protocol):
    """Whatever gives the scores to be met."""

    def score(self, query: str, documents: Sequence[str], instruction: str) -> NDArray[np.float32]:
        """`[n]` documents -> `[n]` float32 in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way of running the graph.

    Attributes:
        way: In words.
        pairs: Query-document pairs scored.
        max_delta: Largest difference of a score from the reference.
        kendall_tau: Agreement of the orders, the mean over the queries; -1 to 1.
    """

    way: str
    pairs: int
    max_delta: float
    kendall_tau: float


def verify(
    folder: Path,
    reference: Reference,
    *,
    provider: Provider = "auto",
    report: Callable[[Comparison], None] | None = None,
) -> Parity:
    """Compare, and write the verdict into the folder's manifest.

    Args:
        folder: The exported model.
        reference: Its original.
        provider: Where the graph is to run.
        report: Called with each comparison as it is done.

    Raises:
        RerankError: the folder cannot be used, or a score is no number.
    """
    expected = {
        query: reference.score(query, documents, DEFAULT_INSTRUCTION)
        for query, documents in _cases().items()
    }
    done = []
    for budget in _BUDGETS:
        reranker = OnnxReranker(folder, provider=provider, token_budget=budget, even_if_failed=True)
        done.append(_compare(reranker, expected, _way(budget)))
        if report:
            report(done[-1])
    manifest = reranker.manifest
    tolerance = TOLERANCES.get(manifest.dtype)
    delta = max(one.max_delta for one in done)
    tau = min(one.kendall_tau for one in done)
    parity = Parity(
        passed=tau >= AGREEMENT if tolerance is None else delta <= tolerance,
        max_delta=delta,
        kendall_tau=tau,
        pairs=sum(one.pairs for one in done),
        tolerance=tolerance,
        provider=reranker.provider,
    )
    replace(manifest, parity=parity).write(folder)
    return parity


def kendall_tau(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Kendall's tau-b of two lists of scores, -1 to 1; 1 where one of them is all ties."""
    above = np.triu_indices(len(first), k=1)
    a = np.sign(np.subtract.outer(first, first))[above]
    b = np.sign(np.subtract.outer(second, second))[above]
    norm = np.sqrt(np.count_nonzero(a) * np.count_nonzero(b))
    return float(a @ b / norm) if norm else 1.0


def _cases() -> dict[str, tuple[str, ...]]:
    """Each query's documents, one of them of many hundred tokens."""
    return {query: (*documents, LONG) for query, documents in SAMPLES.items()}


def _way(budget: int) -> str:
    if budget == _BUDGETS[0]:
        return "one document at a time"
    return "all in one batch" if budget == _BUDGETS[-1] else f"batches of {budget} tokens"


def _compare(
    reranker: OnnxReranker, expected: dict[str, NDArray[np.float32]], way: str
) -> Comparison:
    deltas, taus = [], []
    for query, documents in _cases().items():
        scores = reranker.score(query, documents, DEFAULT_INSTRUCTION)
        deltas.append(np.abs(scores - expected[query]).max())
        taus.append(kendall_tau(scores, expected[query]))
    return Comparison(
        way=way,
        pairs=sum(len(scores) for scores in expected.values()),
        max_delta=float(max(deltas)),
        kendall_tau=float(np.mean(taus)),
    )
