"""Scores of the original model, computed with transformers as its model card shows.

Scores one pair at a time, which is slow but excludes any effect of padding.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import MissingExtra
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.template import QWEN3

__all__ = ["TransformersReference"]

_SPLIT = "<Instruct>"


class TransformersReference:
    """A checkpoint in float32, on the CPU.

    Args:
        folder: The checkpoint the graph was exported from.
        manifest: The manifest of the graph.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        try:
            self._torch: Any = importlib.import_module("torch")
            transformers: Any = importlib.import_module("transformers")
        except ImportError:
            raise MissingExtra("transformers", "export") from None
        self._manifest = manifest
        config = transformers.AutoConfig.from_pretrained(folder)
        self._causal = any("CausalLM" in name for name in config.architectures or ())
        if manifest.architecture == "qwen3":
            # transformers 4 reads the rope base of a checkpoint from transformers 5 as 10,000.
            config.rope_theta = manifest.rope_theta
        kind = "AutoModelForCausalLM" if self._causal else "AutoModelForSequenceClassification"
        self._model = getattr(transformers, kind).from_pretrained(
            folder, config=config, dtype=self._torch.float32
        )
        self._model.eval()
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def score(self, query: str, documents: Sequence[str], instruction: str) -> NDArray[np.float32]:
        """`[n]` documents -> `[n]` float32 in [0, 1]."""
        return np.array(
            [self._score(query, document, instruction) for document in documents],
            dtype=np.float32,
        )

    def _score(self, query: str, document: str, instruction: str) -> float:
        limit = self._manifest.max_length
        if self._manifest.architecture == "qwen3":
            inputs = {"input_ids": self._prompt(query, document, instruction, limit)}
        else:
            # Lists, because transformers builds no pair from an empty string.
            inputs = self._tokenizer(
                [query], [document],
                truncation="longest_first", max_length=limit, return_tensors="pt",
            )  # fmt: skip
        with self._torch.no_grad():
            logits = self._model(**inputs).logits[0]
        if self._causal:
            tokens = self._manifest.tokens
            logits = logits[-1][[tokens["no"], tokens["yes"]]]
        if len(logits) == 1:
            return float(self._torch.sigmoid(logits[0]))
        return float(self._torch.softmax(logits, dim=0)[1])

    def _prompt(self, query: str, document: str, instruction: str, limit: int) -> Any:
        start, pair = QWEN3.head.split(_SPLIT)
        pair = f"{_SPLIT}{pair} {{document}}"
        before, after = (
            self._tokenizer.encode(text, add_special_tokens=False) for text in (start, QWEN3.tail)
        )
        text = pair.format(instruction=instruction, query=query, document=document)
        middle = self._tokenizer.encode(text, add_special_tokens=False)
        middle = middle[: limit - len(before) - len(after)]
        return self._torch.tensor([before + middle + after])
