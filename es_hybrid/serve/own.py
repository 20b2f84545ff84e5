"""Shared by es-hybrid's own endpoints: their caller, and their refusals in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import BaseModel

from es_hybrid.http.answers import Headers
from es_hybrid.http.refusal import Refusal
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import TRACE_HEADERS

_FORWARDED = (*TRACE_HEADERS, b"x-opaque-id")
_WHY = {
    400: "The request is invalid.",
    401: "One of serve.api_keys is missing, or Elasticsearch requires other credentials.",
    403: "These credentials lack the required privileges.",
    404: "There is no such index.",
    413: "The body is too long.",
    429: "Overloaded; retry after Retry-After seconds.",
    500: "The server's settings are wrong.",
    501: "Not configured.",
    502: "A required part failed.",
    503: "Elasticsearch cannot be reached.",
    504: "Elasticsearch did not answer in time.",
}


class Cause(BaseModel):
    """The cause of a refusal, in Elasticsearch's form."""

    type: str
    reason: str


class Problem(BaseModel):
    """A refusal, in Elasticsearch's form."""

    error: Cause
    status: int


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI descriptions of these statuses."""
    return {status: {"model": Problem, "description": _WHY[status]} for status in statuses}


class OwnCaller:
    """The caller of one of es-hybrid's own endpoints."""

    def __init__(
        self,
        request: Request,
        x_api_key: Annotated[str | None, Header(description="One of serve.api_keys.")] = None,
        authorization: Annotated[
            str | None,
            Header(
                description="`Bearer` and one of serve.api_keys. Or, together with X-API-Key, "
                "credentials for Elasticsearch, used instead of the server's."
            ),
        ] = None,
    ) -> None:
        self._api_key = x_api_key
        self._authorization = authorization
        self._headers: Headers = request.scope["headers"]

    def enter(self, services: Services) -> Headers:
        """Headers of requests to Elasticsearch: the caller's credentials, or else the server's.

        Raises:
            Refusal: 401 or 403.
        """
        credentials = services.keys.check(api_key=self._api_key, authorization=self._authorization)
        forwarded = [header for header in self._headers if header[0] in _FORWARDED]
        if credentials is not None:
            return [(b"authorization", credentials.encode("latin-1")), *forwarded]
        lent = services.pool.origin.credentials
        if lent and not services.keys.required and not services.hosts.is_local(self._headers):
            raise Refusal(
                403,
                "security_exception",
                "without serve.api_keys only this machine can use the server's credentials, and "
                "not through a proxy; set serve.api_keys",
            )
        return lent + forwarded
