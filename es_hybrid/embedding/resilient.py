"""Embeds a feed: waits out outages and isolates texts that the embedder refuses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from es_hybrid.errors import EmbeddingAway, EmbeddingError, TextsRefused, TextTooLong
from es_hybrid.waiting import Patience, Waits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.embedding.embedder import Embedder

logger = logging.getLogger(__name__)

# A text that every model embeds. If it is embedded and others are not, those texts are at fault.
_HARMLESS = "es-hybrid asks whether this model embeds anything"
# Consecutive failures after which the texts are suspected: some crash a server or exceed its
# time limit, and retrying them would never end.
_SUSPECT_AFTER = 2


@dataclass(frozen=True, slots=True)
class EmbeddedText:
    """A text and its vector.

    Attributes:
        vector: `[dims]` float32 of length 1.
        is_cut: Whether the embedder took only the beginning of the text.
    """

    vector: NDArray[np.float32]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class NotEmbedded:
    """Takes the place of a vector: the embedder refuses the text."""

    reason: str


def embed_texts(
    embedder: Embedder, texts: Sequence[str], patience: Patience
) -> list[EmbeddedText | NotEmbedded]:
    """Embed texts: for each one, in order, `EmbeddedText` or `NotEmbedded`.

    If the embedder refuses a batch or fails on it while it embeds other texts, the batch is
    bisected down to the text at fault. A text that is too long for the embedder is cut.

    Args:
        texts: At most `batch_size`; otherwise the call waits for the slowest request.

    Raises:
        Outage: the embedder was unavailable for all of `patience`.
        EmbeddingError: it refuses every text.
    """
    if not texts:
        return []
    try:
        return [EmbeddedText(vector) for vector in _embedded(embedder, texts, patience)]
    except TextsRefused as refusal:
        if len(texts) == 1:
            return [_cut_to_fit(embedder, texts[0], refusal, patience)]
    middle = len(texts) // 2
    return [
        *embed_texts(embedder, texts[:middle], patience),
        *embed_texts(embedder, texts[middle:], patience),
    ]


def _cut_to_fit(
    embedder: Embedder, text: str, refusal: TextsRefused, patience: Patience
) -> EmbeddedText | NotEmbedded:
    """The vector of the beginning of a text, if the embedder refuses the text for its length."""
    whole = text
    while isinstance(refusal, TextTooLong) and (text := refusal.shortened(text)):
        try:
            (vector,) = _embedded(embedder, [text], patience)
        except TextsRefused as again:
            refusal = again
        else:
            logger.warning(
                "%s: a text of %d characters is too long, its first %d are embedded (%s)",
                refusal.place, len(whole), len(text), refusal.message,
            )  # fmt: skip
            return EmbeddedText(vector, is_cut=True)
    return NotEmbedded(refusal.message)


def _embedded(embedder: Embedder, texts: Sequence[str], patience: Patience) -> NDArray[np.float32]:
    """Embed a batch, waiting out outages: `[n, dims]`.

    Raises:
        TextsRefused: the texts are at fault.
        Outage, EmbeddingError: as `embed_texts`.
    """
    waits = Waits(patience)
    failures = 0
    while True:
        try:
            return _attempt(embedder, texts, suspected=failures >= _SUSPECT_AFTER)
        except EmbeddingAway as away:
            failures += not away.busy
            waits.wait(away.message, place=away.place, at_least=away.retry_after)


def _attempt(embedder: Embedder, texts: Sequence[str], *, suspected: bool) -> NDArray[np.float32]:
    """Embed a batch once: `[n, dims]`. The texts are at fault if the embedder accepts another one.

    Raises:
        TextsRefused: it refuses the texts, or fails on suspected ones.
        EmbeddingAway: it fails.
    """
    if suspected:
        _check_available(embedder)
    try:
        return embedder.embed_documents(texts)
    except TextsRefused:
        _check_available(embedder)
        raise
    except EmbeddingAway as away:
        if away.busy or not suspected:
            raise
        _check_available(embedder)
        raise TextsRefused(away.message, place=away.place, remedy=away.remedy) from None


def _check_available(embedder: Embedder) -> None:
    """Check that the embedder embeds a harmless text.

    Raises:
        EmbeddingAway: it is unavailable.
        EmbeddingError: it refuses even this text.
    """
    try:
        embedder.embed_documents([_HARMLESS])
    except TextsRefused as refusal:
        raise EmbeddingError(refusal.message, place=refusal.place, remedy=refusal.remedy) from None
