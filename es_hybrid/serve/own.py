"""Shared by es-hybrid's own endpoints: their caller, and their refusals in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

from fastapi import Header, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from es_hybrid.errors import RequestRefused
from es_hybrid.http.answers import Headers
from es_hybrid.http.refusal import Refusal
from es_hybrid.serve.json_text import decoded
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import TRACE_HEADERS
from es_hybrid.serve.workers import LARGE_BODY

_FORWARDED = (*TRACE_HEADERS, b"x-opaque-id")
# Values in a body for each of serve.max_documents, commas counted.
_VALUES_PER_DOCUMENT = 10
_WHY = {
    400: "The request is invalid.",
    401: "One of serve.api_keys is missing, or Elasticsearch requires other credentials.",
    403: "These credentials lack the required privileges.",
    404: "There is no such index or product.",
    408: "The body arrived too slowly.",
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


def route_of(services: Services) -> type[APIRoute]:
    """The class of routes whose bodies are decoded within limits, and large ones in a thread."""
    serve = services.settings.serve
    decode = partial(
        decoded, max_values=_VALUES_PER_DOCUMENT * serve.max_documents, max_depth=serve.max_depth
    )

    class OwnRequest(Request):
        async def json(self) -> Any:
            body = await self.body()
            try:
                return await services.workers.run(
                    partial(decode, body), large=len(body) > LARGE_BODY
                )
            except RequestRefused as refused:  # FastAPI would replace the message
                raise HTTPException(refused.status, refused.message) from None

    class OwnRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await handler(OwnRequest(request.scope, request.receive))

            return handle

    return OwnRoute


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
