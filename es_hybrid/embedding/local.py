"""The embedded encoder: Google's multilingual universal sentence encoder, from a PyPI package.

512 dims, 16 languages (ar de en es fr it ja ko nl pl pt ru th tr zh zh-TW), no download at run
time. It runs on any machine but retrieves worse than Qwen3-Embedding. Yang et al. 2019,
"Multilingual Universal Sentence Encoder for Semantic Retrieval", arXiv:1907.04307.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from es_hybrid.embedding.embedder import EmbedderIdentity
from es_hybrid.embedding.encoder import SentenceEncoder
from es_hybrid.embedding.validation import UntrustedAnswer, unit_vectors
from es_hybrid.errors import SettingsError, TextsRefused
from es_hybrid.settings import EmbeddingSettings

DIMS = 512
# Characters to encode. The encoder averages over all words, so the end of a long description blurs
# the vector: truncation raises judged-only nDCG@10 on chorus from .719 to .746, and Recall@100 from
# .672 to .692.
MAX_CHARS = 300
_BATCH_SIZE = 64


class LocalEmbedder:
    """Runs in this process, without an instruction: the encoder was not trained with one."""

    batch_size = _BATCH_SIZE

    def __init__(self, settings: EmbeddingSettings) -> None:
        """Load the weights now (0.5 s), not within the deadline of the first search.

        Raises:
            SettingsError: other dims are configured.
        """
        if settings.dims not in (None, DIMS):
            raise SettingsError(
                f"the embedded encoder gives {DIMS} dims, not {settings.dims}",
                place="embedding.dims",
                remedy="remove it, or set embedding.base_url to a server with these dims",
            )
        self._encoder = SentenceEncoder()
        self._encoder.encode([""])
        # A batch keeps one core busy.
        self.concurrency = min(settings.concurrency, os.cpu_count() or 1)
        self.identity = EmbedderIdentity(
            model="universal-sentence-encoder-multilingual",
            revision="3",
            dims=DIMS,
            query_instruction="",
        )

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder`. Reads the first `MAX_CHARS` characters of each text."""
        if not texts:
            return np.empty((0, DIMS), dtype=np.float32)
        try:
            return unit_vectors(
                self._encoder.encode([text[:MAX_CHARS] for text in texts]), dims=DIMS
            )
        except UntrustedAnswer as problem:
            raise TextsRefused(str(problem), place="the embedded encoder") from None

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """See `Embedder`. Takes a few milliseconds and ignores the timeout."""
        vector: NDArray[np.float32] = self.embed_documents([text])[0]
        return vector

    def close(self) -> None:
        """Nothing to close."""
