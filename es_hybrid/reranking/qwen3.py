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

from es_hybrid.reranking.batching import Work
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.prompt import PromptEncoder, PromptTemplate
from es_hybrid.reranking.session import Session

__all__ = ["Qwen3Scorer"]

HEADS_KEPT = 8  # queries whose keys and values are cached: 23 MB each at 0.6B in fp32
# Tokens per pass of a longer document on the CPU: attention over 8,192 tokens at once would take
# 4 GB.
PIECE = 1024
# Tokens per batch. A CPU needs few, and small batches need little padding; a GPU needs many.
_BUDGET = {"cpu": 512, "cuda": 16_384}


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

    def prepare(self, query: str, documents: Sequence[str], instruction: str) -> Work:
        """Encode the documents and read the head of the prompt.

        Raises:
            RerankError: the query is blank, or the instruction is too long.
        """
        head = self.encoder.head(query, instruction)
        rows = self.encoder.documents(documents, len(head))
        past = self._past(head, shared=len(rows) > 1)
        if past is self._empty:
            rows = [head + row for row in rows]
        return Work(
            lengths=[len(row) for row in rows],
            logits=lambda group: self._score([rows[i] for i in group], past),
            budget=self._budget,
        )

    def _past(self, head: list[int], *, shared: bool) -> _Past:
        """Keys and values of the head; empty for a single document, where caching costs more."""
        key = tuple(head)
        with self._lock:
            if key in self._heads:
                self._heads.move_to_end(key)
                return self._heads[key]
        if not shared:
            return self._empty
        past = self._read(head, self._empty)
        with self._lock:
            self._heads[key] = past
            if len(self._heads) > HEADS_KEPT:
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
