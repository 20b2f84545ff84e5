"""The embedded encoder, with its real weights."""

from __future__ import annotations

import numpy as np
import pytest

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import SettingsError
from es_hybrid.settings import EmbeddingSettings


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(EmbeddingSettings())


def test_vectors_have_the_documented_shape_and_length(embedder: LocalEmbedder) -> None:
    vectors = embedder.embed_documents(["a kettle", "电热水壶", ""])
    assert vectors.shape == (3, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert embedder.embed_query("a kettle").shape == (512,)
    assert embedder.embed_documents([]).shape == (0, 512)


def test_a_text_is_nearer_to_its_translation_than_to_another_product(
    embedder: LocalEmbedder,
) -> None:
    query = embedder.embed_query("电热水壶")
    kettle, chair = embedder.embed_documents(["electric kettle", "office chair"])
    assert query @ kettle > query @ chair + 0.2


def test_batching_does_not_change_vectors(embedder: LocalEmbedder) -> None:
    texts = [f"product number {i} in blue" for i in range(150)]
    together = embedder.embed_documents(texts)
    alone = np.stack([embedder.embed_query(text) for text in texts[::30]])
    np.testing.assert_allclose(together[::30], alone, atol=1e-5)


def test_other_dims_are_refused() -> None:
    with pytest.raises(SettingsError, match="gives 512 dims, not 256"):
        LocalEmbedder(EmbeddingSettings(dims=256))
