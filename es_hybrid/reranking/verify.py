"""The parity check: compares an exported graph with the model it was made from.

fp32 and fp16 pass by the largest score difference, int8 by the agreement of the two orders.
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
from es_hybrid.reranking.session import Provider
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

__all__ = ["AGREEMENT", "LONG", "SAMPLES", "TOLERANCES", "ScoreParity", "kendall_tau", "verify"]

TOLERANCES = {"fp32": 1e-4, "fp16": 5e-3}
AGREEMENT = 0.9  # Kendall's tau an int8 graph must reach

# Tokens of a batch: one document, a few, all of them.
_BUDGETS = (1, 256, 1 << 20)

# Queries and products in several languages; LONG adds a document of several hundred tokens.
SAMPLES = {
    "透气的男士夏季短袖": (
        "男士冰丝速干T恤 夏季薄款短袖 轻盈透气",
        "Men's quick-dry short-sleeve shirt, breathable mesh for hot days",
        "T-shirt respirant pour homme, manches courtes, été",
        "女式羊毛大衣 冬季加厚保暖",
        "Kids' waterproof rain boots",
        "Leichtes Herren-Poloshirt aus Leinen",
        "充电宝 20000毫安 快充",
    ),
    "waterproof action camera with remote": (
        "4K sports camera, waterproof to 40 m, wrist remote and two batteries",
        "防水运动相机 4K高清 带无线遥控器",
        "Caméra d'action étanche avec télécommande Wi-Fi",
        "Camera bag, water-repellent, grey",
        "Spiegelreflexkamera, 24 Megapixel, Gehäuse",
        "リモコン付き防水アクションカメラ",
        "",
    ),
    "Wasserkocher 1,7 Liter Edelstahl": (
        "Elektrischer Wasserkocher aus Edelstahl, 1,7 l, 2200 W, kabellos",
        "Stainless steel electric kettle, 1.7 litres, auto shut-off",
        "Hervidor de agua eléctrico de acero inoxidable, 1,7 l",
        "不锈钢电热水壶 1.7升 自动断电",
        "Kaffeemaschine mit Thermoskanne",
        "Digital food thermometer with probe",
        "Bouilloire sifflante émaillée pour gaz, 2 l, rouge",
    ),
}

LONG = (
    "Owner's manual. Fill the tank with cold water up to the mark and close the lid until it "
    "clicks. 请勿在无水状态下通电使用。 Das Gerät schaltet sich nach dem Kochen selbst ab. "
    "Débranchez l'appareil avant de le nettoyer. Guarde estas instrucciones. "
) * 12


class Reference(Protocol):
    """Source of the expected scores."""

    def score(self, query: str, documents: Sequence[str], instruction: str) -> NDArray[np.float32]:
        """`[n]` documents -> `[n]` float32 in [0, 1]."""


@dataclass(frozen=True, slots=True)
class ScoreParity:
    """How the scores of one batch size compare with the reference.

    Attributes:
        batching: Batch size in words.
        pairs: Query-document pairs scored.
        max_delta: Largest score difference.
        kendall_tau: Agreement of the orders, averaged over the queries; -1 to 1.
    """

    batching: str
    pairs: int
    max_delta: float
    kendall_tau: float


def verify(
    folder: Path,
    reference: Reference,
    *,
    provider: Provider = "auto",
    report: Callable[[ScoreParity], None] | None = None,
) -> Parity:
    """Compare the graph with the original and write the verdict to the manifest.

    Args:
        folder: The exported model.
        reference: The original.
        provider: Where to run the graph.
        report: Called after each batch size.

    Raises:
        RerankError: the folder is unusable, or a score is not a number.
    """
    expected = {
        query: reference.score(query, documents, DEFAULT_INSTRUCTION)
        for query, documents in _cases().items()
    }
    done = []
    for budget in _BUDGETS:
        reranker = OnnxReranker(folder, provider=provider, token_budget=budget, even_if_failed=True)
        done.append(_compare(reranker, expected, _batching(budget)))
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
    """Kendall's tau-b of two lists of scores, -1 to 1; 1 if either list is all ties."""
    above = np.triu_indices(len(first), k=1)
    a = np.sign(np.subtract.outer(first, first))[above]
    b = np.sign(np.subtract.outer(second, second))[above]
    norm = np.sqrt(np.count_nonzero(a) * np.count_nonzero(b))
    return float(a @ b / norm) if norm else 1.0


def _cases() -> dict[str, tuple[str, ...]]:
    """Documents by query, `LONG` appended."""
    return {query: (*documents, LONG) for query, documents in SAMPLES.items()}


def _batching(budget: int) -> str:
    if budget == _BUDGETS[0]:
        return "one document at a time"
    return "all in one batch" if budget == _BUDGETS[-1] else f"batches of {budget} tokens"


def _compare(
    reranker: OnnxReranker, expected: dict[str, NDArray[np.float32]], batching: str
) -> ScoreParity:
    deltas, taus = [], []
    for query, documents in _cases().items():
        scores = reranker.score(query, documents, DEFAULT_INSTRUCTION)
        deltas.append(np.abs(scores - expected[query]).max())
        taus.append(kendall_tau(scores, expected[query]))
    return ScoreParity(
        batching=batching,
        pairs=sum(len(scores) for scores in expected.values()),
        max_delta=float(max(deltas)),
        kendall_tau=float(np.mean(taus)),
    )
