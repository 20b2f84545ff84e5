"""Scoring a query against documents with a cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.settings import RerankSettings

__all__ = ["Reranker", "open_reranker"]


class Reranker(Protocol):
    """A scorer: it scores and does not sort. Safe to call from several threads."""

    def score(
        self, query: str, documents: Sequence[str], instruction: str | None = None
    ) -> NDArray[np.float32]:
        """Score each document: `[n]` texts -> `[n]` float32 in [0, 1], in the order given.

        Raises:
            RerankError: the model cannot score; never a made-up number.
        """


def open_reranker(settings: RerankSettings) -> Reranker | None:
    """The configured reranker, or None where neither `rerank.model` nor `rerank.url` is set.

    Raises:
        RerankError: the model folder cannot be used, or the url is none.
        MissingExtra: ONNX Runtime or tokenizers is not installed.
    """
    if settings.url:
        from es_hybrid.rerank.remote import RemoteReranker

        return RemoteReranker(
            settings.url,
            api_key=settings.api_key.get_secret_value(),
            model=settings.url_model,
            form=settings.url_form,
            timeout=settings.timeout,
        )
    if settings.model is None:
        return None
    from es_hybrid.rerank.onnx import OnnxReranker

    return OnnxReranker(
        settings.model,
        provider=settings.provider,
        threads=settings.threads,
        max_length=settings.max_length,
    )
