from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from es_hybrid.align.blocking import Embedded
from es_hybrid.align.journal import Journal
from es_hybrid.align.vectors import ProductVectors
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.records import Product
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.waiting import Patience


class _Counting(LocalEmbedder):
    asked = 0

    def embed_documents(self, texts):  # type: ignore[no-untyped-def]
        self.asked += len(texts)
        return super().embed_documents(texts)


def test_no_text_is_embedded_twice_in_a_run_or_in_the_next(tmp_path: Path) -> None:
    embedder = _Counting(EmbeddingSettings())
    products = [Product(id=str(n), title=f"Kettle {n % 3} l", lang="en") for n in range(9)]

    def embedded() -> list[Embedded]:
        vectors = ProductVectors(
            embedder,
            Journal.made(tmp_path / "s.sqlite"),
            template=("title", "description"),
            max_chars=2000,
            patience=Patience(1.0),
        )
        return vectors.embedded(products)

    first = embedded()
    assert embedder.asked == 3
    again = embedded()
    assert embedder.asked == 3
    exact = LocalEmbedder(EmbeddingSettings()).embed_query("Kettle 0 l")
    assert float(first[0].vector[:512] @ exact) * 2**0.5 == pytest.approx(1, abs=1e-3)
    assert np.array_equal(first[4].vector, again[4].vector)
