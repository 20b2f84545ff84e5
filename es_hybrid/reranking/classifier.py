"""Scores with a classifier: an encoder that reads query and document as one pair.

Covers BERT, XLM-R, ModernBERT and similar models. Attention is bidirectional, so the documents of a
query share no computation. There is no instruction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import RerankError
from es_hybrid.reranking.batching import Work
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.session import Session
from es_hybrid.reranking.tokens import plain_tokenizer, read_tokenizer, valid

__all__ = ["ClassifierScorer", "PairEncoder"]

# Tokens per batch. A CPU needs few, and small batches need little padding; a GPU needs many.
_BUDGET = {"cpu": 1024, "cuda": 65_536}


class PairEncoder:
    """Encodes a query and documents as token ids. Safe to call from several threads.

    Args:
        tokenizer: Path of a `tokenizer.json`.
        max_length: Tokens per pair; in a longer pair, the longer text is truncated.

    Raises:
        RerankError: the tokenizer is unusable.
    """

    def __init__(self, tokenizer: Path, *, max_length: int) -> None:
        described = read_tokenizer(tokenizer)
        self._tokenizer = plain_tokenizer(described, str(tokenizer), template=True)
        if self._tokenizer.num_special_tokens_to_add(is_pair=True) == 0:
            raise RerankError(
                "the tokenizer adds no separator between two texts",
                place=str(tokenizer),
                remedy="export the model again",
            )
        self._tokenizer.enable_truncation(max_length, strategy="longest_first")

    def pairs(self, query: str, documents: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Token ids and token types of each pair.

        Raises:
            RerankError: the query is blank.
        """
        if not query.strip():
            raise RerankError("the query is blank", remedy="give it at least one word")
        texts = [(valid(query), valid(document)) for document in documents]
        return [(pair.ids, pair.type_ids) for pair in self._tokenizer.encode_batch(texts)]


class ClassifierScorer:
    """Logits of documents for one query. Safe to call from several threads."""

    def __init__(
        self,
        session: Session,
        manifest: Manifest,
        tokenizer: Path,
        *,
        max_length: int,
        token_budget: int | None = None,
    ) -> None:
        self._session = session
        self._pad = manifest.tokens["pad"]
        self._inputs = {one.name for one in session.runtime.get_inputs()}
        self._budget = token_budget or _BUDGET[session.device]
        self.encoder = PairEncoder(tokenizer, max_length=max_length)

    def prepare(self, query: str, documents: Sequence[str], instruction: str) -> Work:
        """Encode the pairs. The instruction is ignored: a classifier takes none.

        Raises:
            RerankError: the query is blank.
        """
        rows = self.encoder.pairs(query, documents)
        return Work(
            lengths=[len(ids) for ids, _ in rows],
            logits=lambda group: self._score([rows[i] for i in group]),
            budget=self._budget,
        )

    def _score(self, rows: Sequence[tuple[list[int], list[int]]]) -> NDArray[np.float32]:
        shape = len(rows), max(len(ids) for ids, _ in rows)
        inputs = {
            "input_ids": np.full(shape, self._pad, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for i, (ids, types) in enumerate(rows):
            inputs["input_ids"][i, : len(ids)] = ids
            inputs["attention_mask"][i, : len(ids)] = 1
            inputs["token_type_ids"][i, : len(ids)] = types
        known = {name: array for name, array in inputs.items() if name in self._inputs}
        (logits,) = self._session.run(known, {}, ["logit"], device="cpu")
        return np.asarray(logits.numpy(), dtype=np.float32)
