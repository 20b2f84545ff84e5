"""What es-hybrid's own endpoints have in common: who may enter, and how they refuse."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.http.answers import encoded
from es_hybrid.http.refusal import Refusal, json_headers, refusal_of
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import TRACE_HEADERS
from es_hybrid.serve.upstream.headers import Headers


class Cause(BaseModel):
    """Why, in Elasticsearch's form."""

    type: str
    reason: str


class Problem(BaseModel):
    """A refusal, in Elasticsearch's form."""

    error: Cause
    status: int


logger = logging.getLogger(__name__)

_SERVER_ERROR = 500
_ALONG = (*TRACE_HEADERS, b"x-opaque-id")
_WHY = {
    400: "The request cannot be answered as it stands.",
    401: "One of serve.api_keys is missing, or Elasticsearch wants other credentials.",
    403: "These credentials do not suffice.",
    404: "There is no such index.",
    413: "The body is too long.",
    429: "Overloaded; try again after Retry-After seconds.",
    501: "Not configured.",
    502: "A part failed that this cannot do without.",
    503: "Elasticsearch cannot be reached.",
    504: "Elasticsearch did not answer in time.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses for an endpoint's OpenAPI description."""
    return {status: {"model": Problem, "description": _WHY[status]} for status in statuses}


class Own:
    """The caller of one of our own endpoints."""

    def __init__(
        self,
        request: Request,
        x_api_key: Annotated[str | None, Header(description="One of serve.api_keys.")] = None,
        authorization: Annotated[
            str | None,
            Header(
                description="`Bearer` and one of serve.api_keys; or, beside X-API-Key, credentials "
                "for Elasticsearch, which then are used in place of the server's."
            ),
        ] = None,
    ) -> None:
        self._api_key = x_api_key
        self._authorization = authorization
        self._along = [header for header in request.scope["headers"] if header[0] in _ALONG]

    def enter(self, services: Services) -> Headers:
        """What goes with requests to Elasticsearch: the caller's credentials if any, else ours.

        Raises:
            Refusal: 401.
        """
        credentials = services.keys.check(api_key=self._api_key, authorization=self._authorization)
        if credentials is None:
            return services.pool.origin.credentials + self._along
        return [(b"authorization", credentials.encode("latin-1")), *self._along]


def answer_refusals(app: FastAPI) -> None:
    """Let every refusal be answered in Elasticsearch's form."""

    async def refused(request: Request, error: Exception) -> Response:
        refusal = _refusal_of(error)
        if refusal.status >= _SERVER_ERROR:
            logger.warning("%s", error)
        response = Response(encoded(refusal.body()), status_code=refusal.status)
        # Set and not passed in: some of them stand there already.
        extra = refusal.headers if isinstance(refusal, Refusal) else ()
        for name, value in (*json_headers(b""), *extra):
            response.headers[name.decode("ascii")] = value.decode("latin-1")
        return response

    for kind in (EsHybridError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refused)


def _refusal_of(error: Exception) -> RequestRefused:
    if isinstance(error, EsHybridError):
        return refusal_of(error)
    if isinstance(error, RequestValidationError):
        reasons = "; ".join(_explain(problem) for problem in error.errors())
        return Refusal(400, "illegal_argument_exception", reasons)
    assert isinstance(error, HTTPException)
    headers = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
    return Refusal(error.status_code, "illegal_argument_exception", error.detail, headers)


def _explain(problem: dict[str, Any]) -> str:
    """One problem as `documents.0: what is wrong`. Never the value: it is the caller's text."""
    name = ".".join(str(part) for part in problem["loc"][1:]) or "body"
    return f"[{name}]: {problem['msg'][:1].lower()}{problem['msg'][1:]}"
