"""Teaching a cross-encoder from groups of graded documents."""

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

_CHUNKS = 4  # of a batch, by length: padding is most of the work otherwise
_EVERY = 50  # steps between two lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How it is taught.

    Attributes:
        groups: In a batch.
        length: Tokens of a pair; what is said of a product is said at the start.
        rate: Highest learning rate, after the warm-up; then it falls in a line.
        warm_up: Share of the steps.
        listwise: Weight of the listwise loss beside the pointwise one.
        threads: Of torch. On a busy machine set OMP_WAIT_POLICY=PASSIVE, or they wait spinning.
    """

    groups: int = 16
    length: int = 64
    rate: float = 8e-5
    warm_up: float = 0.08
    listwise: float = 0.5
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
    """One epoch over the groups, in random order; writes a checkpoint as transformers does.

    The loss is the sum of two: the cross-entropy of each grade, so that the sigmoid of a score
    is a grade; and within each group the cross-entropy of the softmax of the scores against the
    grades (ListNet; Cao et al. 2007, "Learning to rank: from pairwise approach to listwise
    approach", ICML), so that the order is right even where the grade is not.

    Args:
        start: A checkpoint with one label.
        say: Called with a line now and then.
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    tokenizer: Any = AutoTokenizer.from_pretrained(start)  # type: ignore[no-untyped-call]
    model = AutoModelForSequenceClassification.from_pretrained(start)
    order = rng.sample(groups, len(groups))
    steps = len(order) // recipe.groups
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (recipe.warm_up * steps), max(0.02, 1 - step / steps)),
    )
    model.train()
    started, losses = time.monotonic(), []
    for step in range(steps):
        batch = order[step * recipe.groups : (step + 1) * recipe.groups]
        loss = _loss(model, tokenizer, [(group.query, group.drawn(rng)) for group in batch], recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
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
    listwise = torch.stack(
        [
            -(wanted / wanted.sum() * log_softmax(scores, dim=0)).sum()
            for scores, wanted in zip(
                torch.split(logits, sizes), torch.split(grades, sizes), strict=True
            )
        ]
    )
    return binary_cross_entropy_with_logits(logits, grades) + recipe.listwise * listwise.mean()


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
        chunks.append(model(**padded).logits[:, 0])
    return torch.cat(chunks)[torch.from_numpy(np.argsort(order))]
