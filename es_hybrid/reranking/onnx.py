"""The reranker that runs an exported model with ONNX Runtime, on CUDA or the CPU."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from es_hybrid.errors import RerankError
from es_hybrid.reranking.batching import Scorer, batches, portions
from es_hybrid.reranking.classifier import ClassifierScorer
from es_hybrid.reranking.manifest import GRAPH, TOKENIZER, Manifest
from es_hybrid.reranking.qwen3 import Qwen3Scorer
from es_hybrid.reranking.ranking import score_within
from es_hybrid.reranking.session import Provider, open_session
from es_hybrid.reranking.turns import Turns
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OnnxReranker"]

_SCORERS: dict[str, Callable[..., Scorer]] = {
    "classifier": ClassifierScorer,
    "qwen3": Qwen3Scorer,
}
_WINDOW = 8  # with a deadline: documents to finish before later ones
# Characters read for each token of `max_length`, so that the cost of a text does not depend on its
# length. A token of product text has 2 to 5 characters (the test of this module measures it), so
# everything that survives the truncation to `max_length` is read.
CHARS_PER_TOKEN = 16
# Characters tokenized at once. A token takes about 130 bytes before it is reduced to its id.
_PORTION = 256 * 1024
# A batch of the small model keeps about four cores busy; more batches at once only take memory.
_AT_ONCE = max(1, (os.cpu_count() or 1) // 4)


class OnnxReranker:
    """An exported model. Safe to call from several threads.

    Args:
        folder: Created by `es-hybrid model export`.
        provider: Where to run. If the provider is unavailable, `fell_back` is true.
        threads: CPU threads; 0: one per core.
        session_options: Additional configuration entries of ONNX Runtime.
        max_length: Tokens per pair; capped at what the model supports.
        instruction: Used when a call gives none.
        token_budget: Tokens per batch, padding included; default: depends on the device.
        even_if_failed: Open a model that failed its parity check, to check it again.

    Raises:
        RerankError: the folder is incomplete or changed, or the model failed its parity check.
    """

    def __init__(
        self,
        folder: Path,
        *,
        provider: Provider = "auto",
        threads: int = 0,
        session_options: Mapping[str, str] | None = None,
        max_length: int = 8192,
        instruction: str = DEFAULT_INSTRUCTION,
        token_budget: int | None = None,
        even_if_failed: bool = False,
    ) -> None:
        self.folder = folder
        self.manifest = Manifest.read(folder)
        if not even_if_failed:
            _check_parity(self.manifest, folder)
        self.manifest.check_files(folder)
        self.instruction = instruction
        self.languages = frozenset(self.manifest.languages)
        self.weight = self.manifest.weight
        session = open_session(
            folder / GRAPH, provider=provider, threads=threads, entries=session_options or {}
        )
        self.provider = session.provider
        self.fell_back = session.fell_back
        max_length = min(max_length, self.manifest.max_length)
        self._max_chars = max_length * CHARS_PER_TOKEN
        self._turns = Turns(_AT_ONCE)
        self._scorer = _scorer_of(self.manifest, folder)(
            session,
            self.manifest,
            folder / TOKENIZER,
            max_length=max_length,
            token_budget=token_budget,
        )

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        """See `Reranker`. Finishes a batch that has started when the deadline passes.

        Concurrent calls take turns, see `Turns`.
        """
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        if not documents:
            return scores
        query, instruction = self._cut(query), self._cut(instruction or self.instruction)
        with self._turns.call(math.inf if deadline is None else deadline) as turn:
            if not turn.take():
                return scores
            encode = self._scorer.prepare(query, instruction, shared=len(documents) > 1)
            # With a deadline, score the first documents first, in small batches.
            most = None if deadline is None else _WINDOW
            lengths = [min(len(text), self._max_chars) for text in documents]
            for portion in portions(lengths, characters=_PORTION, most=most):
                if not turn.take():
                    return scores
                work = encode([self._cut(documents[i]) for i in portion])
                for group in batches(work.lengths, work.budget):
                    if not turn.take():
                        return scores
                    scores[[portion[i] for i in group]] = self._sigmoid(work.logits(group))
        return scores

    def _cut(self, text: str) -> str:
        return text[: self._max_chars]

    def _sigmoid(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        if not np.isfinite(logits).all():
            raise RerankError(
                f"a score is not a number in {self.manifest.dtype}",
                place=str(self.folder),
                remedy="export it with --dtype fp32 and check it with: es-hybrid model verify",
            )
        # Does not overflow, and keeps small scores apart.
        return np.asarray(np.exp(-np.logaddexp(0.0, -logits)), dtype=np.float32)

    def rerank(
        self,
        query: str,
        candidates: Sequence[str],
        instruction: str | None = None,
        *,
        deadline_ms: float | None = None,
    ) -> list[tuple[str, float]]:
        """Sort texts by how well they match the query, best first, each with its score in [0, 1].

        Args:
            query, candidates, instruction: As in `score`.
            deadline_ms: Milliseconds from now. Texts not scored by then come last, in the given
                order, with NaN.

        Raises:
            RerankError: the model cannot score.
        """
        seconds = None if deadline_ms is None else deadline_ms / 1000
        return score_within(self, query, candidates, instruction, seconds=seconds).ranked()

    def warm_up(self) -> None:
        """Score once, so that the first real query does not pay for the initialisation."""
        self.score("warm", ["up", "up " * 64])

    def close(self) -> None:
        """Nothing to close: ONNX Runtime frees the model with the object."""


def _scorer_of(manifest: Manifest, folder: Path) -> Callable[..., Scorer]:
    if manifest.architecture not in _SCORERS:
        raise RerankError(
            f"unknown architecture {manifest.architecture!r}",
            place=str(folder),
            remedy=f"export the model again: this version runs {' and '.join(_SCORERS)}",
        )
    return _SCORERS[manifest.architecture]


def _check_parity(manifest: Manifest, folder: Path) -> None:
    parity = manifest.parity
    if parity is not None and not parity.passed:
        raise RerankError(
            f"the scores differ from the original by up to {parity.max_delta:.1e} "
            f"(Kendall tau {parity.kendall_tau:.3f})",
            place=str(folder),
            remedy="export it with another --dtype and check it with: es-hybrid model verify",
        )
