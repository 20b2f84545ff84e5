"""Errors of an OpenAI-compatible embedding server, translated to those of es-hybrid."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import openai

from es_hybrid.embedding.limits import is_too_long, share_to_keep
from es_hybrid.errors import EmbeddingAway, EmbeddingError, TextsRefused, TextTooLong
from es_hybrid.openai_servers import TEMPORARY, reason_of, remedies
from es_hybrid.waiting import retry_after

__all__ = ["translated"]

# Statuses for texts the server cannot process, and for any request if a setting is wrong.
_OF_THE_TEXTS = frozenset({400, 413, 422})

_REMEDIES = remedies("embedding") | {
    400: "check embedding.model, dims and the parameters: the server must support them",
    413: "lower embedding.batch_size or ingest.text_max_chars",
    422: "check embedding.query_parameters and document_parameters: the server must support them",
}


@contextlib.contextmanager
def translated(place: str, *, seconds: float) -> Iterator[None]:
    """Raise errors of the client as `EmbeddingError` with a remedy.

    Args:
        place: The server, as named in messages.
        seconds: The timeout of the request.
    """
    try:
        yield
    except openai.APITimeoutError:
        raise EmbeddingAway(
            f"no answer within {seconds:.3g} s",
            place=place,
            remedy="raise embedding.timeout or lower embedding.batch_size",
        ) from None
    except openai.APIConnectionError as error:
        raise EmbeddingAway(
            f"cannot be reached ({error.__cause__ or error})",
            place=place,
            remedy="start the server or correct embedding.base_url",
        ) from None
    except openai.APIStatusError as error:
        raise _refusal(error, place) from None


def _refusal(error: openai.APIStatusError, place: str) -> EmbeddingError:
    status = error.status_code
    reason = reason_of(error)
    message = f"answered {status}: {reason}"
    remedy = _REMEDIES.get(status, "check the log of the server")
    # llama.cpp answers 500.
    if status in (*_OF_THE_TEXTS, 500) and is_too_long(reason):
        share = share_to_keep(reason)
        return TextTooLong(message, place=place, remedy=remedy, share=share)
    if status in _OF_THE_TEXTS:
        return TextsRefused(message, place=place, remedy=remedy)
    if status < 500 and status not in TEMPORARY:
        return EmbeddingError(message, place=place, remedy=remedy)
    return EmbeddingAway(
        message,
        place=place,
        remedy=remedy,
        busy=status in (429, 503),
        retry_after=retry_after(error.response.headers.get("retry-after")),
    )
