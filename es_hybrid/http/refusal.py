"""Errors as HTTP answers, in the form of Elasticsearch's own.

    RequestRefused                 its own status
    InvalidRequest                 400
    IndexStateError                400: the index is the caller's choice
    UpstreamError                  502, 503 or 504
    ElasticsearchError             503
    EmbeddingError, RerankError    502
    StorageError                   507
    SettingsError, any other       500

An answer with a status of 500 or more contains the message only. The log has the whole error, with
its place and remedy, which may name files and addresses behind the server.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from es_hybrid.errors import (
    ElasticsearchError,
    EmbeddingError,
    EsHybridError,
    IndexStateError,
    InvalidRequest,
    RequestRefused,
    RerankError,
    SettingsError,
    StorageError,
)
from es_hybrid.http.answers import Headers, encoded, json_headers

logger = logging.getLogger(__name__)

SERVER_ERROR = 500


class Refusal(RequestRefused):
    """A request that the server itself refuses.

    Attributes:
        headers: Added to the answer, e.g. `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - Elasticsearch's own word
        reason: str,
        headers: Headers | None = None,
    ) -> None:
        super().__init__(reason, status=status, type=type)
        self.headers = headers or []


class UpstreamError(ElasticsearchError):
    """Elasticsearch sent no answer, or one that is not HTTP.

    Attributes:
        status: Status that a gateway answers: 502, 503 or 504.
        untouched: A kept connection closed before the first byte of the answer, so the request
            was most likely not processed.
    """

    def __init__(
        self, message: str, *, status: int, place: str, remedy: str = "", untouched: bool = False
    ) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.status = status
        self.untouched = untouched


def refusal_of(error: Exception) -> RequestRefused:
    """The refusal that answers an error; see the table above."""
    match error:
        case RequestRefused():
            return error
        case InvalidRequest() | IndexStateError():
            return Refusal(400, "illegal_argument_exception", str(error))
        case RequestValidationError():
            reasons = "; ".join(_explain(problem) for problem in error.errors())
            return Refusal(400, "illegal_argument_exception", reasons)
        case HTTPException():
            headers = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
            return Refusal(error.status_code, "illegal_argument_exception", error.detail, headers)
        case UpstreamError():
            return Refusal(error.status, "upstream_exception", error.message)
        case ElasticsearchError():
            return Refusal(503, "upstream_exception", error.message)
        case EmbeddingError():
            return Refusal(502, "embedding_exception", error.message)
        case RerankError():
            return Refusal(502, "rerank_exception", error.message)
        case StorageError():
            return Refusal(507, "storage_exception", error.message)
        case SettingsError():
            return Refusal(500, "settings_exception", error.message)
        case EsHybridError():
            return Refusal(500, "internal_exception", error.message)
        case _:
            return Refusal(500, "internal_exception", "es-hybrid failed; see log")


def answer_refusals(app: FastAPI) -> None:
    """Make an application answer every error in Elasticsearch's form."""

    async def refused(request: Request, error: Exception) -> Response:
        refusal = refusal_of(error)
        if refusal.status >= SERVER_ERROR:
            logger.warning("%s", error)
        response = Response(encoded(refusal.body()), status_code=refusal.status)
        # Assigned rather than passed in, to replace those that the response sets itself.
        for name, value in refusal_headers(refusal, accept=b""):
            response.headers[name.decode("ascii")] = value.decode("latin-1")
        return response

    for kind in (EsHybridError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refused)


def refusal_headers(refusal: RequestRefused, *, accept: bytes) -> Headers:
    """Headers of a refusal's answer; `accept` as in `json_headers`."""
    return [*json_headers(accept), *(refusal.headers if isinstance(refusal, Refusal) else ())]


def _explain(problem: dict[str, Any]) -> str:
    """One problem as `[documents.0]: reason`. Omits the value, which is the caller's text."""
    name = ".".join(str(part) for part in problem["loc"][1:]) or "body"
    if problem["type"] == "unexpected_keyword_argument":
        return f"[{name}]: unknown field"
    return f"[{name}]: {problem['msg'][:1].lower()}{problem['msg'][1:]}"
