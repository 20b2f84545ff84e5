"""Scores with a Qwen3 graph: computes the shared prompt of a query only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue

from es_hybrid.reranking.batching import Encode, Work
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.session import Session
from es_hybrid.reranking.template import PromptTemplate

__all__ = ["Qwen3Scorer"]

# Tokens of queries whose keys and values are cached, about 100 a query: 235 MB at 0.6B in fp32.
TOKENS_KEPT = 1024
# Tokens per pass of a longer document on the CPU: attention over 8,192 tokens at once would take
# 4 GB.
PIECE = 1024
# Tokens per batch. A CPU needs few, and small batches need little padding; a GPU needs many.
_BUDGET = {"cpu": 1024, "cuda": 16_384}


@dataclass(frozen=True, slots=True)
class _Past:
    """Keys and values of the tokens read so far, per layer, on the device of the session."""

    values: tuple[Any, ...]
    length: int


class Qwen3Scorer:
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
        self.encoder = PromptEncoder(
            tokenizer, template=PromptTemplate(**manifest.prompt), max_length=max_length
        )
        self._pad = manifest.tokens["pad"]
        self._budget = token_budget or _BUDGET[session.device]
        dtype = np.float16 if manifest.dtype == "fp16" else np.float32
        nothing = np.zeros((1, manifest.kv_heads, 0, manifest.head_dim), dtype=dtype)
        names = [(kind, i) for i in range(manifest.layers) for kind in ("key", "value")]
        self._past_names = [f"past_{kind}_{i}" for kind, i in names]
        self._new_names = [f"new_{kind}_{i}" for kind, i in names]
        empty = OrtValue.ortvalue_from_numpy(nothing, session.device, 0)
        self._empty = _Past((empty,) * len(names), 0)
        self._heads: OrderedDict[tuple[int, ...], _Past] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self, query: str, instruction: str, *, shared: bool) -> Encode:
        """Encode the head of the prompt; it is read with the first batch.

        Raises:
            RerankError: the query is blank, or the instruction is too long.
        """
        head = self.encoder.head(query, instruction)
        # For a single document, caching the head costs more than it saves.
        cached = shared or tuple(head) in self._heads

        def encode(documents: Sequence[str]) -> Work:
            rows = self.encoder.documents(documents, len(head))
            if not cached:
                rows = [head + row for row in rows]

            def logits(group: Sequence[int]) -> NDArray[np.float32]:
                # From the cache each time: a call that waits for its turn holds no keys and values.
                past = self._past(head) if cached else self._empty
                return self._score([rows[i] for i in group], past)

            return Work([len(row) for row in rows], logits, self._budget)

        return encode

    def _past(self, head: list[int]) -> _Past:
        """Keys and values of the head."""
        key = tuple(head)
        with self._lock:
            if key in self._heads:
                self._heads.move_to_end(key)
                return self._heads[key]
        past = self._read(head, self._empty)
        with self._lock:
            self._heads[key] = past
            while len(self._heads) > 1 and sum(map(len, self._heads)) > TOKENS_KEPT:
                self._heads.popitem(last=False)
        return past

    def _score(self, rows: Sequence[Sequence[int]], past: _Past) -> NDArray[np.float32]:
        if len(rows) == 1 and self._session.device == "cpu":
            row = rows[0]
            while len(row) > PIECE:
                past, row = self._read(row[:PIECE], past), row[PIECE:]
            rows = [row]
        (logits,) = self._run(rows, past, ["logit"], "cpu")
        return np.asarray(logits.numpy(), dtype=np.float32)

    def _read(self, ids: Sequence[int], past: _Past) -> _Past:
        """The past extended by `ids`."""
        new = self._run([ids], past, self._new_names, self._session.device)
        if past.length:
            new = [
                OrtValue.ortvalue_from_numpy(
                    np.concatenate([before.numpy(), after.numpy()], axis=2), "cpu", 0
                )
                for before, after in zip(past.values, new, strict=True)
            ]
        return _Past(tuple(new), past.length + len(ids))

    def _run(
        self, rows: Sequence[Sequence[int]], past: _Past, outputs: Sequence[str], device: str
    ) -> list[Any]:
        width = max(len(row) for row in rows)
        ids = np.full((len(rows), width), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        return self._session.run(
            {"input_ids": ids, "attention_mask": mask},
            dict(zip(self._past_names, past.values, strict=True)),
            outputs,
            device=device,
        )
