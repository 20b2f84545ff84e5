"""A reranker behind HTTP: Cohere, Jina and vLLM, SGLang, or Text Embeddings Inference.

    cohere   {"model", "query", "documents"}     -> {"results": [{"index", "relevance_score"}]}
    sglang   {"query", "documents", "instruct"}  -> [{"index", "score"}]
    tei      {"query", "texts"}                  -> [{"index", "score"}]

Only SGLang takes an instruction with a request; the others have theirs in the server.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from es_hybrid.errors import RerankError

if TYPE_CHECKING:
    from email.message import Message
    from http.client import HTTPResponse

    from numpy.typing import NDArray

__all__ = ["Form", "RemoteReranker"]

Form = Literal["auto", "cohere", "sglang", "tei"]

# What a server answers that does not know the fields of a request.
_REFUSALS = (400, 422)
_CHUNK = 65_536  # bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        return None


class RemoteReranker:
    """Asks a server for scores. Safe to call from several threads.

    Args:
        url: The whole address, e.g. `http://localhost:30000/v1/rerank`.
        api_key: Sent as a bearer token; empty for none.
        model: Name sent with a request; empty for none.
        form: How the server is spoken to; `auto` finds out with the first request.
        instruction: For calls that name none.
        timeout: Seconds for one request.
        batch_size: Documents in one request.
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
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise RerankError("not an http address", place=url, remedy="give the whole URL")
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._model = model
        self._form = form
        self._instruction = instruction
        self._timeout = timeout
        self._batch_size = batch_size
        self._opener = urllib.request.build_opener(_NoRedirects)
        # What a server is good for only its operator knows.
        self.languages: frozenset[str] = frozenset()
        self.weight = 1.0

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
    ) -> NDArray[np.float32]:
        """Score each document: `[n]` texts -> `[n]` float32 in [0, 1], in the order given.

        Args:
            query: Not blank.
            documents: The likeliest first, should the deadline leave some unscored.
            instruction: What makes a document fit.
            deadline: On the clock of `time.monotonic()`. What is not answered by then is NaN.

        Raises:
            RerankError: the query is blank, the server cannot be reached or refuses, or its
                answer does not give every document one score in [0, 1].
        """
        if not query.strip():
            raise RerankError("the query is blank", remedy="give it at least one word")
        until = math.inf if deadline is None else deadline
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        for start in range(0, len(documents), self._batch_size):
            batch = list(documents[start : start + self._batch_size])
            try:
                answer = self._ask(query, batch, instruction or self._instruction, until)
            except _Late:
                break
            scores[start : start + len(batch)] = self._scores(answer, len(batch))
        return scores

    def _ask(self, query: str, documents: list[str], instruction: str | None, until: float) -> Any:
        def ask(form: Form) -> Any:
            return self._post(self._body(form, query, documents, instruction), until)

        if self._form != "auto":
            return ask(self._form)
        try:
            answer = ask("cohere")
        except _Refused:
            answer = ask("tei")
            self._form = "tei"
            return answer
        self._form = "sglang" if isinstance(answer, list) else "cohere"
        if self._form == "sglang" and instruction:  # the first request had none
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
        request = urllib.request.Request(
            self._url, data=json.dumps(body).encode(), headers=self._headers, method="POST"
        )
        left = until - time.monotonic()
        if left <= 0:
            raise _Late
        try:
            with self._opener.open(request, timeout=min(self._timeout, left)) as response:
                return json.loads(_read(response, until))
        except urllib.error.HTTPError as error:
            kind = _Refused if error.code in _REFUSALS else RerankError
            reason = error.read(300).decode("utf-8", "replace").strip()
            raise kind(
                f"answered {error.code}: {reason or error.reason}",
                place=self._url,
                remedy="check the address, the key and the model's name",
            ) from None
        except (OSError, HTTPException) as error:  # refused, unresolved, timed out, cut off
            if time.monotonic() >= until:
                raise _Late from None
            raise RerankError(
                f"cannot be reached: {getattr(error, 'reason', error)}",
                place=self._url,
                remedy="start the server, correct the address or raise the timeout",
            ) from None
        except ValueError:
            raise self._untrusted("it is not JSON") from None

    def _scores(self, answer: Any, count: int) -> NDArray[np.float32]:
        """Servers answer best first: the index says whose score it is."""
        results = answer.get("results") if isinstance(answer, dict) else answer
        if not isinstance(results, list) or len(results) != count:
            raise self._untrusted(f"it does not hold {count} results")
        scores = np.full(count, np.nan, dtype=np.float32)
        for result in results:
            try:
                index = result["index"]
                value = result["relevance_score" if "relevance_score" in result else "score"]
            except (KeyError, TypeError):
                raise self._untrusted("a result has no index or no score") from None
            if type(index) is not int or not 0 <= index < count or not math.isnan(scores[index]):
                raise self._untrusted(f"an index is {index!r} where 0 to {count - 1} is meant once")
            if type(value) not in (int, float) or not 0.0 <= value <= 1.0:
                raise self._untrusted(f"a score is {value!r}, not a number from 0 to 1")
            scores[index] = value
        return scores

    def _untrusted(self, problem: str) -> RerankError:
        return RerankError(
            f"the answer cannot be used: {problem}",
            place=self._url,
            remedy="check that this is the address of a reranker, with a sigmoid on its scores",
        )


class _Refused(RerankError):
    """The server does not take a request of this form."""


class _Late(Exception):
    """The deadline has come."""


def _read(response: HTTPResponse, until: float) -> bytes:
    """The whole answer. The socket's timeout is of one read: a trickle would never meet it."""
    parts = []
    while part := response.read1(_CHUNK):
        if time.monotonic() >= until:
            raise _Late
        parts.append(part)
    return b"".join(parts)
