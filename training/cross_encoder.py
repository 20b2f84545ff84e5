"""Trains a cross-encoder on groups of graded documents."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from training.groups import Group

__all__ = ["Recipe", "train"]

_CHUNKS = 4  # a batch is split by length; otherwise most of the work would be padding
_STEEPNESS = 4.0  # difference of two logits for grades 0 and 1
_EVERY = 50  # steps between two log lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Hyperparameters of the training.

    Attributes:
        groups: Groups per batch.
        length: Maximum tokens of a pair; the important facts of a product come first.
        rate: Peak learning rate, reached after the warm-up; then it decreases linearly.
        warm_up: Share of the steps.
        pointwise, listwise, margin: Weights of the losses.
        threads: Threads of torch. Set OMP_WAIT_POLICY=PASSIVE on a busy machine to avoid spinning.
    """

    groups: int = 16
    length: int = 64
    rate: float = 1.2e-4
    warm_up: float = 0.08
    pointwise: float = 0.5
    listwise: float = 1.0
    margin: float = 0.05
    weight_decay: float = 0.01
    threads: int = 2
    seed: int = 0


def train(
    start: Path,
    groups: Sequence[Group],
    folder: Path,
    *,
    recipe: Recipe,
    say: Callable[[str], None],
) -> None:
    """Train one epoch over the groups in random order and save a transformers checkpoint.

    The loss is a weighted sum of three. The pointwise loss is the binary cross-entropy of each
    grade, so that the sigmoid of a score approximates the grade. The listwise loss is the
    cross-entropy between the grades of a group and the softmax of its scores (ListNet; Cao et al.
    2007, "Learning to rank: from pairwise approach to listwise approach", ICML); it improves the
    order. MarginMSE (Hofstätter et al. 2020, arXiv:2010.02666) compares differences of scores with
    those of the grades. The word vectors are not trained.

    Args:
        start: Checkpoint with one label.
        say: Called with each progress line.
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    tokenizer: Any = AutoTokenizer.from_pretrained(start)  # type: ignore[no-untyped-call]
    model = AutoModelForSequenceClassification.from_pretrained(start)
    # Most pieces occur too rarely here to learn a vector; changing some of them confuses the rest.
    model.get_input_embeddings().weight.requires_grad = False
    order = rng.sample(groups, len(groups))
    steps = len(order) // recipe.groups
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (recipe.warm_up * steps), max(0.02, 1 - step / steps)),
    )
    model.train()
    started, losses = time.monotonic(), []
    for step in range(steps):
        batch = order[step * recipe.groups : (step + 1) * recipe.groups]
        drawn = [(group.query, group.drawn(rng)) for group in batch]
        loss = _loss(model, tokenizer, drawn, recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if len(losses) == _EVERY or step + 1 == steps:
            spent = time.monotonic() - started
            say(f"step {step + 1} of {steps}: loss {np.mean(losses):.4f}, {spent:.0f} s")
            losses.clear()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _loss(
    model: Any,
    tokenizer: Any,
    batch: Sequence[tuple[str, Sequence[tuple[str, float]]]],
    recipe: Recipe,
) -> torch.Tensor:
    pairs = [(query, text) for query, documents in batch for text, _ in documents]
    logits = _logits(model, tokenizer, pairs, recipe.length)
    grades = torch.tensor([grade for _, documents in batch for _, grade in documents])
    sizes = [len(documents) for _, documents in batch]
    lists = list(zip(torch.split(logits, sizes), torch.split(grades, sizes), strict=True))
    listwise = torch.stack(
        [-(wanted / wanted.sum() * log_softmax(scores, dim=0)).sum() for scores, wanted in lists]
    )
    margins = torch.stack([_margin(scores, wanted) for scores, wanted in lists])
    return (
        recipe.pointwise * binary_cross_entropy_with_logits(logits, grades)
        + recipe.listwise * listwise.mean()
        + recipe.margin * margins.mean()
    )


def _margin(scores: torch.Tensor, grades: torch.Tensor) -> torch.Tensor:
    """Mean square of how far the differences of scores are from those of the grades."""
    wanted = _STEEPNESS * (grades[:, None] - grades[None, :])
    return ((scores[:, None] - scores[None, :] - wanted) ** 2).mean()


def _logits(
    model: Any, tokenizer: Any, pairs: Sequence[tuple[str, str]], length: int
) -> torch.Tensor:
    """`[n]` pairs -> `[n]` logits, in the order given."""
    encoded = tokenizer(pairs, truncation="longest_first", max_length=length)
    order = np.argsort([len(ids) for ids in encoded["input_ids"]], kind="stable")
    chunks = []
    for rows in np.array_split(order, _CHUNKS):
        chosen = {name: [values[row] for row in rows] for name, values in encoded.items()}
        padded = tokenizer.pad(chosen, return_tensors="pt")
        # Twice as fast where the processor multiplies bfloat16.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            chunks.append(model(**padded).logits[:, 0].float())
    return torch.cat(chunks)[torch.from_numpy(np.argsort(order))]
