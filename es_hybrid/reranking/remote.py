"""A reranker behind HTTP: Cohere, Jina and vLLM, SGLang, or Text Embeddings Inference.

    cohere   {"model", "query", "documents"}     -> {"results": [{"index", "relevance_score"}]}
                                                    (Voyage: "data" instead of "results")
    sglang   {"query", "documents", "instruct"}  -> [{"index", "score"}]
    tei      {"query", "texts"}                  -> [{"index", "score"}]

Only SGLang accepts an instruction with a request; the others configure it in the server, or have
no template at all: then `template` puts both into the texts.

Some servers answer logits: llama.cpp, and Text Embeddings Inference with `raw_scores`. A score
outside [0, 1] reveals them; all scores of that query and of later ones then go through a sigmoid.
Not with `raw`: Elasticsearch's own reranking takes them as they are.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import httpx2
import numpy as np

from es_hybrid.embedding.limits import batch_limit
from es_hybrid.errors import RerankError
from es_hybrid.reranking.template import PromptTemplate
from es_hybrid.secrets import excerpt

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Form", "RemoteReranker"]

Form = Literal["auto", "cohere", "sglang", "tei"]

logger = logging.getLogger(__name__)

# Statuses that servers answer to a request whose fields they do not know.
_UNKNOWN_FORM = (400, 422)
# How far rounding takes a score out of [0, 1].
_ROUNDING = 1e-3
# Bytes read of an answer that refuses the request.
_ERROR_BYTES = 16 * 1024


class RemoteReranker:
    """Asks a server for scores over kept-alive connections. Safe to call from several threads.

    Redirects are refused: the key must not reach another host.

    Args:
        url: The full address, e.g. `http://localhost:30000/v1/rerank`.
        api_key: Sent as a bearer token; empty for none.
        model: Model name to send; empty for none.
        form: Request form the server expects; `auto` detects it with the first request.
        instruction: Used when a call gives none.
        timeout: Seconds for one request.
        batch_size: Documents per request.
        template: The model's prompt, if the server does not add it.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        model: str = "",
        form: Form = "auto",
        instruction: str | None = None,
        timeout: float = 30.0,
        batch_size: int = 32,
        template: PromptTemplate | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise RerankError("not an http address", place=url, remedy="give the full URL")
        headers = {"Content-Type": "application/json"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self._client = httpx2.Client(
            headers=headers, follow_redirects=False, limits=httpx2.Limits(max_connections=None)
        )
        self._url = url
        self._model = model
        self._form = form
        self._instruction = instruction
        self._timeout = timeout
        self._batch_size = batch_size
        self._template = template
        self._answers_logits = False
        # Only the operator knows which languages the server's model supports.
        self.languages: frozenset[str] = frozenset()
        self.weight = 1.0

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        """See `Reranker`.

        Raises:
            RerankError: the query is blank, the server is unreachable or refuses, or its answer
                does not contain exactly one score per document.
        """
        if not query.strip():
            raise RerankError("the query is blank", remedy="give it at least one word")
        until = math.inf if deadline is None else deadline
        instruction = instruction or self._instruction
        if self._template:
            query, documents = self._template.sent(query, documents, instruction or "")
            instruction = None
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        start = 0
        while start < len(documents):
            batch = list(documents[start : start + self._batch_size])
            try:
                answer = self._ask(query, batch, instruction, until)
            except _Late:
                break
            except RerankError as refusal:
                limit = batch_limit(refusal.message, len(batch))
                if limit is None:
                    raise
                logger.warning("%s: takes %d documents per request", self._url, limit)
                self._batch_size = limit
                continue
            scores[start : start + len(batch)] = self._scores(answer, len(batch))
            start += len(batch)
        return scores if raw else self._probabilities(scores)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, query: str, documents: list[str], instruction: str | None, until: float) -> Any:
        def ask(form: Form) -> Any:
            return self._post(self._body(form, query, documents, instruction), until)

        if self._form != "auto":
            return ask(self._form)
        try:
            answer = ask("cohere")
        except _FormRefused as refusal:
            if batch_limit(refusal.message, len(documents)) is not None:
                raise
            answer = ask("tei")
            self._form = "tei"
            return answer
        self._form = "sglang" if isinstance(answer, list) else "cohere"
        if self._form == "sglang" and instruction:  # the first request carried none
            return ask("sglang")
        return answer

    def _body(
        self, form: Form, query: str, documents: list[str], instruction: str | None
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"query": query}
        body["texts" if form == "tei" else "documents"] = documents
        if self._model and form != "tei":
            body["model"] = self._model
        if instruction and form == "sglang":
            body["instruct"] = instruction
        return body

    def _post(self, body: dict[str, Any], until: float) -> Any:
        content = json.dumps(body).encode()
        try:
            try:
                answer = self._send(content, until)
            except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
                # The server may close a kept-alive connection just as the request is sent.
                answer = self._send(content, until)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            if time.monotonic() >= until:
                raise _Late from None
            raise RerankError(
                f"cannot be reached: {error}",
                place=self._url,
                remedy="start the server, correct the address or raise the timeout",
            ) from None
        try:
            return json.loads(answer)
        except ValueError:
            raise self._unusable("it is not JSON") from None

    def _send(self, content: bytes, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0:
            raise _Late
        timeout = min(self._timeout, left)
        with self._client.stream("POST", self._url, content=content, timeout=timeout) as response:
            if not response.is_success:
                start = next(response.iter_bytes(_ERROR_BYTES), b"")
                reason = excerpt(start.decode("utf-8", "replace"))
                refused = _FormRefused if response.status_code in _UNKNOWN_FORM else RerankError
                raise refused(
                    f"answered {response.status_code}: {reason or response.reason_phrase}",
                    place=self._url,
                    remedy="check the address, the key and the model name",
                )
            parts = []
            # The timeout covers a single read, so an answer that trickles in never reaches it.
            for part in response.iter_bytes():
                if time.monotonic() >= until:
                    raise _Late
                parts.append(part)
        return b"".join(parts)

    def _scores(self, answer: Any, count: int) -> NDArray[np.float32]:
        """Servers answer best first: the index tells which document a score belongs to."""
        results = answer
        if isinstance(answer, dict):
            results = answer.get("results", answer.get("data"))
        if not isinstance(results, list) or len(results) != count:
            raise self._unusable(f"it does not hold {count} results")
        scores = np.full(count, np.nan, dtype=np.float32)
        for result in results:
            try:
                index = result["index"]
                value = result["relevance_score" if "relevance_score" in result else "score"]
            except (KeyError, TypeError):
                raise self._unusable("a result has no index or no score") from None
            if type(index) is not int or not 0 <= index < count or not math.isnan(scores[index]):
                raise self._unusable(
                    f"an index is {index!r}, expected each of 0 to {count - 1} once"
                )
            if type(value) not in (int, float) or not math.isfinite(value):
                raise self._unusable(f"a score is {value!r}, not a number")
            scores[index] = value
        return scores

    def _probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores in [0, 1], made in the same way for all documents of a query."""
        known = scores[~np.isnan(scores)]
        outside = bool(((known < -_ROUNDING) | (known > 1 + _ROUNDING)).any())
        if outside and not self._answers_logits:
            self._answers_logits = True
            logger.warning(
                "%s answers logits, not scores from 0 to 1: a sigmoid is applied", self._url
            )
        if not self._answers_logits:
            return np.clip(scores, 0.0, 1.0)
        return np.asarray(np.exp(-np.logaddexp(0.0, -scores)), dtype=np.float32)

    def _unusable(self, problem: str) -> RerankError:
        return RerankError(
            f"the answer cannot be used: {problem}",
            place=self._url,
            remedy="check that the address is that of a reranker",
        )


class _FormRefused(RerankError):
    """The server does not accept requests of this form."""


class _Late(Exception):
    """The deadline has passed."""
