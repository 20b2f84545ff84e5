"""Scores with a classifier: an encoder that reads query and document as one pair.

Covers BERT, XLM-R, ModernBERT and similar models. Attention is bidirectional, so the documents of a
query share no computation. There is no instruction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import RerankError
from es_hybrid.reranking.batching import Encode, Work
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.session import Session
from es_hybrid.reranking.tokens import plain_tokenizer, read_tokenizer, valid

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["ClassifierScorer", "PairEncoder", "longest_first"]

# Tokens per batch. A CPU needs few, and small batches need little padding; a GPU needs many.
_BUDGET = {"cpu": 1024, "cuda": 65_536}
# Tokens per pair on the CPU. The memory of attention grows with their square: with 12 heads in fp32
# it is 200 MB for 2,048 tokens and would be 3.2 GB for 8,192.
_LONGEST_ON_CPU = 2048


class PairEncoder:
    """Encodes a query and documents as token ids. Safe to call from several threads.

    Both texts are encoded alone and truncated here. The tokenizers library would also build
    encodings of what it cuts off, for a pair the product of the pieces of both texts: 100 documents
    of 20 kB with a query of 10 kB took more than 6 GB.

    Args:
        tokenizer: Path of a `tokenizer.json`.
        max_length: Tokens per pair; in a longer pair, the longer text is truncated.

    Raises:
        RerankError: the tokenizer is unusable.
    """

    def __init__(self, tokenizer: Path, *, max_length: int) -> None:
        described = read_tokenizer(tokenizer)
        self._tokenizer = plain_tokenizer(described, str(tokenizer), template=True)
        self._template = _template_of(self._tokenizer)
        self._room = max_length - sum(text is None for text, _, _ in self._template)
        if self._room == max_length:
            raise RerankError(
                "the tokenizer adds no separator between two texts",
                place=str(tokenizer),
                remedy="export the model again",
            )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        texts = [valid(text) for text in texts]
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def pair(self, query: Sequence[int], document: Sequence[int]) -> tuple[list[int], list[int]]:
        """Token ids and token types of a query and a document."""
        lengths = longest_first(len(query), len(document), self._room)
        texts = query[: lengths[0]], document[: lengths[1]]
        ids: list[int] = []
        types: list[int] = []
        for text, special, type_ in self._template:
            part = [special] if text is None else texts[text]
            ids += part
            types += [type_] * len(part)
        return ids, types


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Lengths of two texts that together fit into `room` tokens.

    Shortens the longer text to the length of the other one, then both. These are the lengths that
    the truncation `longest_first` of the tokenizers library leaves.
    """
    if first + second <= room:
        return first, second
    short = min(first, second, room // 2)
    return (short, room - short) if first <= second else (room - short, short)


def _template_of(tokenizer: Tokenizer) -> list[tuple[int | None, int, int]]:
    """What a pair consists of, in order, each with its token type.

    A text is 0 or 1, for the query or the document; a special token is None and its id.
    """
    pair = tokenizer.encode("a", "a")
    tokens = zip(pair.sequence_ids, pair.ids, pair.type_ids, strict=True)
    template: list[tuple[int | None, int, int]] = []
    for token in tokens:
        if token[0] is None or token[0] not in (text for text, _, _ in template):
            template.append(token)
    return template


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
        if session.device == "cpu":
            max_length = min(max_length, _LONGEST_ON_CPU)
        self.encoder = PairEncoder(tokenizer, max_length=max_length)

    def prepare(self, query: str, instruction: str, *, shared: bool) -> Encode:
        """Encode the query. The instruction is ignored: a classifier takes none.

        Raises:
            RerankError: the query is blank.
        """
        if not query.strip():
            raise RerankError("the query is blank", remedy="give it at least one word")
        (asked,) = self.encoder.encode([query])

        def encode(documents: Sequence[str]) -> Work:
            rows = [self.encoder.pair(asked, ids) for ids in self.encoder.encode(documents)]
            return Work(
                lengths=[len(ids) for ids, _ in rows],
                logits=lambda group: self._score([rows[i] for i in group]),
                budget=self._budget,
            )

        return encode

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
