"""Scoring a query against documents with a cross-encoder.

>>> from es_hybrid import rerank
>>> rerank("kettle", ["scale", "electric kettle 1.7 l"])  # doctest: +SKIP
[('electric kettle 1.7 l', 0.98), ('scale', 0.01)]
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from es_hybrid.errors import SettingsError
from es_hybrid.reranking.ranking import ranked, rerank

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.settings import RerankSettings

__all__ = ["BUNDLED", "Reranker", "open_reranker", "ranked", "required_reranker", "rerank"]

BUNDLED = Path(__file__).parents[1] / "data" / "reranker"
"""The small model that comes along."""


class Reranker(Protocol):
    """A scorer: it scores and does not sort. Safe to call from several threads."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages it is good for; empty: any."""

    @property
    def weight(self) -> float:
        """Of its scores in the order of a search, (0, 1]; the rest is the fused score's."""

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
    ) -> NDArray[np.float32]:
        """Score each document: `[n]` texts -> `[n]` float32 in [0, 1], in the order given.

        Args:
            query: Not blank.
            documents: The likeliest first, should the deadline leave some unscored.
            instruction: What makes a document fit; by default the reranker's own.
            deadline: On the clock of `time.monotonic()`. What is not scored by then is NaN; it
                is no error.

        Raises:
            RerankError: the reranker cannot score; never a made-up number.
        """


def open_reranker(settings: RerankSettings) -> Reranker | None:
    """The configured reranker; the small bundled model where none is named.

    None where reranking is switched off, and where the bundled model would be used but is not
    there, or ONNX Runtime is not installed.

    Raises:
        RerankError: the model folder cannot be used, or the url is none.
        MissingExtra: a model is named, but ONNX Runtime or tokenizers is not installed.
    """
    if not settings.enabled:
        return None
    if settings.url:
        from es_hybrid.reranking.remote import RemoteReranker

        return RemoteReranker(
            settings.url,
            api_key=settings.api_key.get_secret_value(),
            model=settings.url_model,
            form=settings.url_form,
            instruction=settings.instruction_for(),
            timeout=settings.timeout,
        )
    if settings.model is None and not _can_use_bundled():
        return None
    from es_hybrid.reranking.onnx import OnnxReranker

    return OnnxReranker(
        settings.model or BUNDLED,
        provider=settings.provider,
        threads=settings.threads,
        session_options=settings.session_options,
        max_length=settings.max_length,
        instruction=settings.instruction_for(),
    )


def required_reranker(settings: RerankSettings) -> Reranker:
    """The configured reranker, where there must be one.

    Raises:
        SettingsError: there is none.
        RerankError: the model folder cannot be used, or the url is none.
        MissingExtra: a model is named, but ONNX Runtime or tokenizers is not installed.
    """
    if not settings.enabled:
        raise SettingsError(
            "reranking is switched off", place="rerank.enabled", remedy="set it to true"
        )
    reranker = open_reranker(settings)
    if reranker is None:
        raise SettingsError(
            "no model to rerank with",
            place="rerank.model",
            remedy="name a folder; make one with: es-hybrid model export",
        )
    return reranker


def _can_use_bundled() -> bool:
    runtime = all(importlib.util.find_spec(name) for name in ("onnxruntime", "tokenizers"))
    return runtime and BUNDLED.is_dir()
