"""Embedding a feed: outages are waited out, and one bad text does not sink its batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from es_hybrid.errors import EmbeddingAway, EmbeddingError, TextsRefused
from es_hybrid.waiting import Patience, Waits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.embedding import Embedder

# A text that every model embeds. While it is embedded and others are not, it is their fault.
_HARMLESS = "es-hybrid asks whether this model embeds anything"
# Failures in a row after which a batch is suspected: some texts crash a server or outlast its
# time limit, and would be waited for without end.
_SUSPECT_AFTER = 2


@dataclass(frozen=True, slots=True)
class NotEmbedded:
    """Instead of a vector: the embedder gives none of this text."""

    reason: str


def embed_texts(
    embedder: Embedder, texts: Sequence[str], patience: Patience
) -> list[NDArray[np.float32] | NotEmbedded]:
    """A vector `[dims]` of length 1, or a refusal, for each text, in their order.

    A batch that the embedder refuses or fails at is halved until the text stands alone that it is
    refused for, as long as the embedder takes another text.

    Args:
        texts: At most a `batch_size` of them, else the call waits for the slowest request.

    Raises:
        Outage: the embedder was away for all of `patience`.
        EmbeddingError: it refuses whatever it is sent.
    """
    if not texts:
        return []
    try:
        return list(_embedded(embedder, texts, patience))
    except TextsRefused as refusal:
        if len(texts) == 1:
            return [NotEmbedded(refusal.message)]
    middle = len(texts) // 2
    return [
        *embed_texts(embedder, texts[:middle], patience),
        *embed_texts(embedder, texts[middle:], patience),
    ]


def _embedded(embedder: Embedder, texts: Sequence[str], patience: Patience) -> NDArray[np.float32]:
    """`[n, dims]`, waited for.

    Raises:
        TextsRefused: it is these texts that the embedder cannot take.
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
    """`[n, dims]`; the texts are to blame if the embedder takes another one at the same time.

    Raises:
        TextsRefused: it refuses them or, of suspected ones, fails at them.
        EmbeddingAway: it fails.
    """
    if suspected:
        _check_well(embedder)
    try:
        return embedder.embed_documents(texts)
    except TextsRefused:
        _check_well(embedder)
        raise
    except EmbeddingAway as away:
        if away.busy or not suspected:
            raise
        _check_well(embedder)
        raise TextsRefused(away.message, place=away.place, remedy=away.remedy) from None


def _check_well(embedder: Embedder) -> None:
    """That the embedder embeds a text that every model does.

    Raises:
        EmbeddingAway: not now.
        EmbeddingError: it refuses, so that no text of ours is to blame.
    """
    try:
        embedder.embed_documents([_HARMLESS])
    except TextsRefused as refusal:
        raise EmbeddingError(refusal.message, place=refusal.place, remedy=refusal.remedy) from None
