"""Embeddings from an OpenAI-compatible server: SGLang, vLLM, TEI, OpenAI itself."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import openai
import orjson
from numpy.typing import NDArray

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.embedding.validation import UntrustedAnswer, unit_vectors, vectors_in_order
from es_hybrid.errors import EmbeddingAway, EmbeddingError, TextsRefused
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.waiting import retry_after

logger = logging.getLogger(__name__)

# What the probe embeds. Any text would do; this one says in a server's log where it comes from.
_PROBE_TEXT = "es-hybrid asks how many dims this model has"


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long one request may take, in seconds, and how often it is made again."""

    timeout: float
    retries: int


class OpenAIEmbedder:
    """Asks `POST {base_url}/embeddings`.

    The first call probes the server once: does it take `dimensions`, and how many dims come back.
    A server that refuses the parameter (SGLang does, unless the model says `is_matryoshka`) is
    asked without it, and the vectors are cut here.

    Retries of lost connections, 408, 409, 429 and 5xx are the `openai` client's, which honours
    Retry-After; an answer that cannot be trusted is asked for again as often.
    """

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._place = f"embedding server {settings.base_url}"
        self._client = openai.OpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key.get_secret_value(),
            timeout=settings.timeout,
            max_retries=settings.max_retries,
        )
        self._client_that_asks_once = self._client.with_options(max_retries=0)
        self._patience = _Patience(settings.timeout, settings.max_retries)
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="embed")
        self._probing = threading.Lock()
        self._identity: EmbedderIdentity | None = None
        self._sends_dims = False

    @property
    def batch_size(self) -> int:
        """Texts in one request."""
        return self._settings.batch_size

    @property
    def concurrency(self) -> int:
        """Requests under way at once."""
        return self._settings.concurrency

    @property
    def identity(self) -> EmbedderIdentity:
        """Model, revision, dims, query instruction. Probes the server the first time.

        Raises:
            EmbeddingError: the server cannot be used, or gives fewer dims than configured.
        """
        return self._identified(self._patience)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder`. More texts than `batch_size` go out as concurrent requests."""
        dims = self.identity.dims
        size = self.batch_size
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        if not batches:
            return np.empty((0, dims), dtype=np.float32)
        if len(batches) == 1:
            return self._embed(batches[0], dims, self._patience)
        return np.concatenate(
            list(self._threads.map(lambda b: self._embed(b, dims, self._patience), batches))
        )

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """See `Embedder`. The instruction travels in the text, in the model card's form."""
        patience = self._patience
        if timeout is not None:
            patience = _Patience(min(timeout, patience.timeout), retries=0)
        identity = self._identified(patience)
        if identity.query_instruction:
            text = f"Instruct: {identity.query_instruction}\nQuery:{text}"
        vector: NDArray[np.float32] = self._embed([text], identity.dims, patience)[0]
        return vector

    def close(self) -> None:
        """Close connections and threads; requests under way are finished."""
        self._threads.shutdown()
        self._client.close()

    def _identified(self, patience: _Patience) -> EmbedderIdentity:
        # Found once: whoever comes meanwhile waits, but no longer than it has time.
        if self._identity is None:
            if not self._probing.acquire(timeout=patience.timeout * (patience.retries + 1)):
                raise EmbeddingError("does not say how many dims it has", place=self._place)
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
        """One request's texts -> `[n, dims]` of length 1, asked for again while unusable."""
        with self._translated(patience):
            return self._asked_until_usable(texts, dims, patience)

    def _asked_until_usable(
        self, texts: Sequence[str], dims: int, patience: _Patience
    ) -> NDArray[np.float32]:
        attempts = patience.retries + 1
        for attempt in range(1, attempts + 1):
            try:
                answer = self._request(texts, patience, send_dims=self._sends_dims)
                return unit_vectors(answer, dims=dims)
            except UntrustedAnswer as problem:
                logger.warning("%s: attempt %d: %s", self._place, attempt, problem)
                reason = str(problem)
        raise TextsRefused(
            f"no usable answer in {attempts} attempts: {reason}",
            place=self._place,
            remedy=f"check that it serves {self._settings.model}, with the dims configured",
        )

    def _probe_dims(self, patience: _Patience) -> int:
        """The dims of the vectors handed out; sets whether the server is sent `dimensions`."""
        wanted = self._settings.dims
        with self._translated(patience):
            given = self._given_dims(patience)
        if wanted is None:
            return given
        if given < wanted:
            raise EmbeddingError(
                f"{self._settings.model} gives {given} dims, embedding.dims asks for {wanted}",
                place=self._place,
                remedy=f"set embedding.dims to {given} or less, or serve a larger model",
            )
        if given > wanted:
            logger.info("%s: vectors of %d dims are cut to %d here", self._place, given, wanted)
        return wanted

    def _given_dims(self, patience: _Patience) -> int:
        """How many dims come back, with `dimensions` sent if the server takes it."""
        if self._settings.dims is not None:
            try:
                dims = int(self._request([_PROBE_TEXT], patience, send_dims=True).shape[1])
            except (openai.BadRequestError, openai.UnprocessableEntityError, UntrustedAnswer):
                logger.debug("%s: does not take `dimensions`", self._place)
            else:
                self._sends_dims = True
                return dims
        try:
            return int(self._request([_PROBE_TEXT], patience, send_dims=False).shape[1])
        except UntrustedAnswer as problem:
            raise EmbeddingError(
                f"this does not answer like an embedding server: {problem}",
                place=self._place,
                remedy="check embedding.base_url: it mostly ends in /v1",
            ) from None

    def _request(
        self, texts: Sequence[str], patience: _Patience, *, send_dims: bool
    ) -> NDArray[np.float32]:
        """One request: `[n, d]` float32 in the order of the texts, d as the server gives it.

        Raises:
            UntrustedAnswer: the answer is not JSON, or not one vector for each text.
            openai.APIError: the server cannot be reached, or refuses.
        """
        client = self._client if patience.retries else self._client_that_asks_once
        raw = client.embeddings.with_raw_response.create(
            input=list(texts),
            model=self._settings.model,
            # Named, so that the client hands the base64 on instead of making lists of it.
            encoding_format="base64",
            dimensions=self._settings.dims if send_dims and self._settings.dims else openai.omit,
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
        """Turn the client's errors into `EmbeddingError`s that name the remedy."""
        try:
            yield
        except openai.APITimeoutError:
            raise EmbeddingAway(
                f"no answer within {patience.timeout:g} s",
                place=self._place,
                remedy="raise embedding.timeout, or lower embedding.batch_size",
            ) from None
        except openai.APIConnectionError as error:
            raise EmbeddingAway(
                f"cannot be reached ({error.__cause__ or error})",
                place=self._place,
                remedy="start the server, or correct embedding.base_url",
            ) from None
        except openai.APIStatusError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: openai.APIStatusError) -> EmbeddingError:
        status = error.status_code
        message = f"answered {status}: {_reason(error)}"
        remedy = _REMEDIES.get(status, "look at the server's log")
        if status in _OF_THE_TEXTS:
            return TextsRefused(message, place=self._place, remedy=remedy)
        if status < 500 and status not in _PASSING:
            return EmbeddingError(message, place=self._place, remedy=remedy)
        return EmbeddingAway(
            message,
            place=self._place,
            remedy=remedy,
            busy=status in (429, 503),
            retry_after=retry_after(error.response.headers.get("retry-after")),
        )


# What a server answers to texts it cannot take, and to everything where a setting is wrong: too
# long, too large, not to be processed.
_OF_THE_TEXTS = frozenset({400, 413, 422})
# Beside 5xx: request timeout, conflict, too early, too many requests.
_PASSING = frozenset({408, 409, 425, 429})

_REMEDIES = {
    400: "check embedding.model and embedding.dims against what the server serves",
    401: "set embedding.api_key",
    403: "set an embedding.api_key that may do this",
    404: "check embedding.base_url (it mostly ends in /v1) and embedding.model",
    413: "lower embedding.batch_size or ingest.text_max_chars",
    429: "the server is overloaded: lower embedding.concurrency",
}


def _reason(error: openai.APIStatusError) -> str:
    """The server's own words in one line; a page of HTML is cut short."""
    return " ".join(str(error.message).split())[:300]
