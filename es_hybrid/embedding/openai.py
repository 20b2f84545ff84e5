"""Embeddings from an OpenAI-compatible server: SGLang, vLLM, TEI, OpenAI itself."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import openai
import orjson
from numpy.typing import NDArray

from es_hybrid.embedding.embedder import EmbedderIdentity
from es_hybrid.embedding.limits import batch_limit, is_too_long, share_to_keep
from es_hybrid.embedding.validation import UntrustedAnswer, unit_vectors, vectors_in_order
from es_hybrid.errors import EmbeddingAway, EmbeddingError, TextsRefused, TextTooLong
from es_hybrid.openai_servers import TEMPORARY, open_client, remedies
from es_hybrid.secrets import excerpt
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.waiting import retry_after

logger = logging.getLogger(__name__)

# Text of the probe. Any text would do; this one identifies es-hybrid in the log of the server.
_PROBE_TEXT = "es-hybrid asks how many dims this model has"


@dataclass(frozen=True, slots=True)
class _Patience:
    """Seconds to wait for one request, and number of retries."""

    timeout: float
    retries: int


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Parameters of a request that not every server takes; `dims` is omitted if it is None."""

    dims: int | None
    encoding: Literal["base64", "float"]


def _choices(dims: int | None) -> list[_Parameters]:
    """What to try, best first; the last one is what every server takes."""
    choices = [_Parameters(None, "base64"), _Parameters(None, "float")]
    if dims is None:
        return choices
    # Vectors that the server truncates are smaller on the wire than base64 makes them.
    return [_Parameters(dims, "base64"), _Parameters(dims, "float"), *choices]


class OpenAIEmbedder:
    """Asks `POST {base_url}/embeddings`.

    The first call probes the server for its dims and for the parameters it takes. If it refuses
    `dimensions` (as SGLang does unless the model sets `is_matryoshka`), it is omitted and the
    vectors are truncated here. If it refuses base64 (as vLLM before 0.5.2), floats are requested.

    If the server refuses a batch for its size, the limit that it names is kept from then on.

    The `openai` client retries after lost connections, 408, 409, 429 and 5xx, and honours
    Retry-After. An unusable answer is retried as often.
    """

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._place = f"embedding server {settings.base_url}"
        self._client = open_client(settings)
        self._client_without_retries = self._client.with_options(max_retries=0)
        self._patience = _Patience(settings.timeout, settings.max_retries)
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="embed")
        self._probing = threading.Lock()
        self._identity: EmbedderIdentity | None = None
        self._parameters = _Parameters(dims=None, encoding="base64")
        self._batch_size = settings.batch_size

    @property
    def batch_size(self) -> int:
        """Texts per request: `embedding.batch_size`, or the limit of the server if it is lower."""
        return self._batch_size

    @property
    def concurrency(self) -> int:
        """Concurrent requests."""
        return self._settings.concurrency

    @property
    def identity(self) -> EmbedderIdentity:
        """Model, revision, dims and query instruction. Probes the server on first access.

        Raises:
            EmbeddingError: the server is unusable, or has fewer dims than configured.
        """
        return self._probed(self._patience)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder`. Sends more texts than `batch_size` as concurrent requests."""
        dims = self.identity.dims
        batches = _split(texts, self.batch_size)
        if not batches:
            return np.empty((0, dims), dtype=np.float32)
        if len(batches) == 1:
            return self._embed(batches[0], dims, self._patience)
        return np.concatenate(
            list(self._threads.map(lambda b: self._embed(b, dims, self._patience), batches))
        )

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """See `Embedder`. Prepends the instruction to the text, as in the model card.

        A query that is too long for the server is cut.
        """
        until = None if timeout is None else time.monotonic() + timeout
        patience = self._patience
        if timeout is not None:
            patience = _Patience(min(timeout, patience.timeout), retries=0)
        identity = self._probed(patience)
        if identity.query_instruction:
            text = f"Instruct: {identity.query_instruction}\nQuery:{text}"
        while True:
            try:
                vector: NDArray[np.float32] = self._embed([text], identity.dims, patience)[0]
            except TextTooLong as refusal:
                text = refusal.shortened(text)
                if not text or (until is not None and time.monotonic() >= until):
                    raise
            else:
                return vector

    def close(self) -> None:
        """Close connections and threads after finishing running requests."""
        self._threads.shutdown()
        self._client.close()

    def _probed(self, patience: _Patience) -> EmbedderIdentity:
        # Probed once. Concurrent callers wait for the probe, but not longer than their timeout.
        if self._identity is None:
            if not self._probing.acquire(timeout=patience.timeout * (patience.retries + 1)):
                raise EmbeddingError("did not report its dims in time", place=self._place)
            try:
                if self._identity is None:
                    self._identity = EmbedderIdentity(
                        model=self._settings.model,
                        revision=self._settings.revision,
                        dims=self._probe_dims(patience),
                        query_instruction=self._settings.query_instruction,
                    )
            finally:
                self._probing.release()
        return self._identity

    def _embed(self, texts: Sequence[str], dims: int, patience: _Patience) -> NDArray[np.float32]:
        """Embed the texts of one request: `[n, dims]` of length 1."""
        try:
            with self._translated(patience):
                return self._request_until_usable(texts, dims, patience)
        except TextsRefused as refusal:
            limit = batch_limit(refusal.message, len(texts))
            if limit is None:
                raise
            self._limit_batches(limit)
        parts = [self._embed(part, dims, patience) for part in _split(texts, limit)]
        return np.concatenate(parts)

    def _limit_batches(self, limit: int) -> None:
        if limit < self._batch_size:
            self._batch_size = limit
            logger.warning(
                "%s: takes %d texts per request, fewer than embedding.batch_size = %d",
                self._place, limit, self._settings.batch_size,
            )  # fmt: skip

    def _request_until_usable(
        self, texts: Sequence[str], dims: int, patience: _Patience
    ) -> NDArray[np.float32]:
        attempts = patience.retries + 1
        for attempt in range(1, attempts + 1):
            try:
                answer = self._request(texts, patience, self._parameters)
                return unit_vectors(answer, dims=dims)
            except UntrustedAnswer as problem:
                logger.warning("%s: attempt %d: %s", self._place, attempt, problem)
                reason = str(problem)
        raise TextsRefused(
            f"no usable answer in {attempts} attempts: {reason}",
            place=self._place,
            remedy=f"check that the server offers {self._settings.model} with the configured dims",
        )

    def _probe_dims(self, patience: _Patience) -> int:
        """Dims of the vectors; also finds out the parameters that the server takes."""
        wanted = self._settings.dims
        with self._translated(patience):
            given = self._given_dims(patience)
        if wanted is None:
            return given
        if given < wanted:
            raise EmbeddingError(
                f"{self._settings.model} gives {given} dims, embedding.dims asks for {wanted}",
                place=self._place,
                remedy=f"set embedding.dims to {given} or less, or use a larger model",
            )
        if given > wanted:
            logger.info("%s: vectors of %d dims are truncated to %d", self._place, given, wanted)
        return wanted

    def _given_dims(self, patience: _Patience) -> int:
        """Dims of the answer to the first parameters that the server takes."""
        *special, plain = _choices(self._settings.dims)
        for parameters in special:
            if (given := self._dims_with(parameters, patience)) is not None:
                self._parameters = parameters
                return given
        self._parameters = plain
        try:
            return int(self._request([_PROBE_TEXT], patience, plain).shape[1])
        except UntrustedAnswer as problem:
            raise EmbeddingError(
                f"the answer is not that of an embedding server: {problem}",
                place=self._place,
                remedy="check embedding.base_url, which usually ends in /v1",
            ) from None

    def _dims_with(self, parameters: _Parameters, patience: _Patience) -> int | None:
        """Dims of the answer, or None if the server does not take the parameters."""
        once = _Patience(patience.timeout, retries=0)
        try:
            return int(self._request([_PROBE_TEXT], once, parameters).shape[1])
        except UntrustedAnswer:
            return None
        except openai.APIError as error:
            # 500 is what some servers answer to a parameter that they do not know.
            if isinstance(error, openai.APIStatusError) and error.status_code in (400, 422, 500):
                logger.debug("%s: does not take %s", self._place, parameters)
                return None
            if not patience.retries:
                raise
        return int(self._request([_PROBE_TEXT], patience, parameters).shape[1])

    def _request(
        self, texts: Sequence[str], patience: _Patience, parameters: _Parameters
    ) -> NDArray[np.float32]:
        """Send one request: `[n, d]` float32 in the order of the texts, d chosen by the server.

        Raises:
            UntrustedAnswer: the answer is not JSON, or lacks one vector per text.
            openai.APIError: the server cannot be reached, or refuses the request.
        """
        client = self._client if patience.retries else self._client_without_retries
        raw = client.embeddings.with_raw_response.create(
            input=list(texts),
            model=self._settings.model,
            # Set explicitly, so that the client passes on base64 instead of decoding it to lists.
            encoding_format=parameters.encoding,
            dimensions=parameters.dims or openai.omit,
            timeout=patience.timeout,
        )
        try:
            answer = orjson.loads(raw.content)
        except orjson.JSONDecodeError as error:
            kind = raw.headers.get("content-type", "no content type")
            raise UntrustedAnswer(f"the answer is not JSON ({kind}): {error}") from None
        return vectors_in_order(answer, count=len(texts))

    @contextlib.contextmanager
    def _translated(self, patience: _Patience) -> Iterator[None]:
        """Translate errors of the client to `EmbeddingError` with a remedy."""
        try:
            yield
        except openai.APITimeoutError:
            raise EmbeddingAway(
                f"no answer within {patience.timeout:.3g} s",
                place=self._place,
                remedy="raise embedding.timeout or lower embedding.batch_size",
            ) from None
        except openai.APIConnectionError as error:
            raise EmbeddingAway(
                f"cannot be reached ({error.__cause__ or error})",
                place=self._place,
                remedy="start the server or correct embedding.base_url",
            ) from None
        except openai.APIStatusError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: openai.APIStatusError) -> EmbeddingError:
        status = error.status_code
        reason = excerpt(str(error.message))
        message = f"answered {status}: {reason}"
        remedy = _REMEDIES.get(status, "check the log of the server")
        # llama.cpp answers 500.
        if status in (*_OF_THE_TEXTS, 500) and is_too_long(reason):
            share = share_to_keep(reason)
            return TextTooLong(message, place=self._place, remedy=remedy, share=share)
        if status in _OF_THE_TEXTS:
            return TextsRefused(message, place=self._place, remedy=remedy)
        if status < 500 and status not in TEMPORARY:
            return EmbeddingError(message, place=self._place, remedy=remedy)
        return EmbeddingAway(
            message,
            place=self._place,
            remedy=remedy,
            busy=status in (429, 503),
            retry_after=retry_after(error.response.headers.get("retry-after")),
        )


def _split(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


# Statuses for texts the server cannot process, and for any request if a setting is wrong.
_OF_THE_TEXTS = frozenset({400, 413, 422})

_REMEDIES = remedies("embedding") | {
    400: "check embedding.model and embedding.dims: the server must support them",
    413: "lower embedding.batch_size or ingest.text_max_chars",
}
