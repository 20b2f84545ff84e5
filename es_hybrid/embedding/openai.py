"""Embeddings from an OpenAI-compatible server: SGLang, vLLM, TEI, OpenAI itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import openai
import orjson
from numpy.typing import NDArray

from es_hybrid.embedding.embedder import EmbedderIdentity
from es_hybrid.embedding.limits import batch_limit
from es_hybrid.embedding.refusals import translated
from es_hybrid.embedding.templates import chosen_templates, configured_identity
from es_hybrid.embedding.validation import UntrustedAnswer, unit_vectors, vectors_in_order
from es_hybrid.errors import EmbeddingError, TextsRefused, TextTooLong
from es_hybrid.openai_servers import open_client
from es_hybrid.settings import EmbeddingSettings

logger = logging.getLogger(__name__)

# Text of the probe. Any text would do; this one identifies es-hybrid in the log of the server.
_PROBE_TEXT = "es-hybrid asks how many dims this model has"


@dataclass(frozen=True, slots=True)
class _Terms:
    """Seconds to wait for one request, number of retries, and further fields of its body."""

    timeout: float
    retries: int
    fields: Mapping[str, Any]


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
        self._terms = _Terms(settings.timeout, settings.max_retries, settings.document_parameters)
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
        """Model, dims, templates …. Probes the server on first access.

        Raises:
            EmbeddingError: the server is unusable, or has fewer dims than configured.
        """
        return self._probed(self._terms)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder`. Sends more texts than `batch_size` as concurrent requests."""
        identity = self.identity
        dims = identity.dims
        batches = _split([identity.document(text) for text in texts], self.batch_size)
        if not batches:
            return np.empty((0, dims), dtype=np.float32)
        if len(batches) == 1:
            return self._embed(batches[0], dims, self._terms)
        return np.concatenate(
            list(self._threads.map(lambda b: self._embed(b, dims, self._terms), batches))
        )

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """See `Embedder`. A query that is too long for the server is cut, but not its template."""
        until = None if timeout is None else time.monotonic() + timeout
        terms = replace(self._terms, fields=self._settings.query_parameters)
        if timeout is not None:
            terms = replace(terms, timeout=min(timeout, terms.timeout), retries=0)
        identity = self._probed(terms)
        while True:
            try:
                sent = [identity.query(text)]
                vector: NDArray[np.float32] = self._embed(sent, identity.dims, terms)[0]
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

    def _probed(self, terms: _Terms) -> EmbedderIdentity:
        # Probed once. Concurrent callers wait for the probe, but not longer than their timeout.
        if self._identity is None:
            if not self._probing.acquire(timeout=terms.timeout * (terms.retries + 1)):
                raise EmbeddingError("did not report its dims in time", place=self._place)
            try:
                if self._identity is None:
                    dims = self._probe_dims(terms)
                    self._identity = configured_identity(self._settings, dims=dims)
                    self._report(self._identity)
            finally:
                self._probing.release()
        return self._identity

    def _report(self, identity: EmbedderIdentity) -> None:
        _, reason = chosen_templates(self._settings)
        forms = f"queries are sent as {identity.query_form}, documents as {identity.document_form}"
        if reason:
            logger.info("%s: %s, by %s", self._place, forms, reason)
            return
        logger.warning(
            "%s: no template is known for %s: %s; if it wants others, set embedding.query_template "
            "and document_template, else set them to none",
            self._place, identity.model, forms,
        )  # fmt: skip

    def _embed(self, texts: Sequence[str], dims: int, terms: _Terms) -> NDArray[np.float32]:
        """Embed the texts of one request: `[n, dims]` of length 1."""
        try:
            with translated(self._place, seconds=terms.timeout):
                return self._request_until_usable(texts, dims, terms)
        except TextsRefused as refusal:
            limit = batch_limit(refusal.message, len(texts))
            if limit is None:
                raise
            self._limit_batches(limit)
        parts = [self._embed(part, dims, terms) for part in _split(texts, limit)]
        return np.concatenate(parts)

    def _limit_batches(self, limit: int) -> None:
        if limit < self._batch_size:
            self._batch_size = limit
            logger.warning(
                "%s: takes %d texts per request, fewer than embedding.batch_size = %d",
                self._place, limit, self._settings.batch_size,
            )  # fmt: skip

    def _request_until_usable(
        self, texts: Sequence[str], dims: int, terms: _Terms
    ) -> NDArray[np.float32]:
        attempts = terms.retries + 1
        for attempt in range(1, attempts + 1):
            try:
                answer = self._request(texts, terms, self._parameters)
                return unit_vectors(answer, dims=dims)
            except UntrustedAnswer as problem:
                logger.warning("%s: attempt %d: %s", self._place, attempt, problem)
                reason = str(problem)
        raise TextsRefused(
            f"no usable answer in {attempts} attempts: {reason}",
            place=self._place,
            remedy=f"check that the server offers {self._settings.model} with the configured dims",
        )

    def _probe_dims(self, terms: _Terms) -> int:
        """Dims of the vectors; also finds out the parameters that the server takes."""
        wanted = self._settings.dims
        with translated(self._place, seconds=terms.timeout):
            given = self._given_dims(terms)
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

    def _given_dims(self, terms: _Terms) -> int:
        """Dims of the answer to the first parameters that the server takes."""
        *special, plain = _choices(self._settings.dims)
        for parameters in special:
            if (given := self._dims_with(parameters, terms)) is not None:
                self._parameters = parameters
                return given
        self._parameters = plain
        try:
            return int(self._request([_PROBE_TEXT], terms, plain).shape[1])
        except UntrustedAnswer as problem:
            raise EmbeddingError(
                f"the answer is not that of an embedding server: {problem}",
                place=self._place,
                remedy="check embedding.base_url, which usually ends in /v1",
            ) from None

    def _dims_with(self, parameters: _Parameters, terms: _Terms) -> int | None:
        """Dims of the answer, or None if the server does not take the parameters."""
        once = replace(terms, retries=0)
        try:
            return int(self._request([_PROBE_TEXT], once, parameters).shape[1])
        except UntrustedAnswer:
            return None
        except openai.APIError as error:
            # 500 is what some servers answer to a parameter that they do not know.
            if isinstance(error, openai.APIStatusError) and error.status_code in (400, 422, 500):
                logger.debug("%s: does not take %s", self._place, parameters)
                return None
            if not terms.retries:
                raise
        return int(self._request([_PROBE_TEXT], terms, parameters).shape[1])

    def _request(
        self, texts: Sequence[str], terms: _Terms, parameters: _Parameters
    ) -> NDArray[np.float32]:
        """Send one request: `[n, d]` float32 in the order of the texts, d chosen by the server.

        Raises:
            UntrustedAnswer: the answer is not JSON, or lacks one vector per text.
            openai.APIError: the server cannot be reached, or refuses the request.
        """
        client = self._client if terms.retries else self._client_without_retries
        raw = client.embeddings.with_raw_response.create(
            input=list(texts),
            model=self._settings.model,
            # Set explicitly, so that the client passes on base64 instead of decoding it to lists.
            encoding_format=parameters.encoding,
            dimensions=parameters.dims or openai.omit,
            extra_body=terms.fields,
            timeout=terms.timeout,
        )
        try:
            answer = orjson.loads(raw.content)
        except orjson.JSONDecodeError as error:
            kind = raw.headers.get("content-type", "no content type")
            raise UntrustedAnswer(f"the answer is not JSON ({kind}): {error}") from None
        return vectors_in_order(answer, count=len(texts))


def _split(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]
