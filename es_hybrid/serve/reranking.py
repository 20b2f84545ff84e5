"""`POST /v1/rerank`, compatible with the clients of Cohere and Jina.

`/v2/rerank` is the same endpoint for Cohere's newer client.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from es_hybrid.http.refusal import Refusal
from es_hybrid.reranking import Reranker, Scored, score_within
from es_hybrid.retrieval.request import MAX_TEXT_CHARS
from es_hybrid.serve.own import OwnCaller, refusals, route_of
from es_hybrid.serve.services import Services


class TextDocument(BaseModel):
    """A document as an object."""

    model_config = ConfigDict(extra="allow")

    text: str


class RerankRequest(BaseModel):
    """A query and documents to score. Other fields that such clients send are ignored."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [{"query": "kettle", "documents": ["scale", "electric kettle"], "top_n": 1}]
        },
    )

    query: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS, pattern=r"\S")]
    """Query to score the documents against; not blank."""
    documents: Annotated[list[str | TextDocument], Field(min_length=1, fail_fast=True)]
    """Texts, or objects with a `text`."""
    top_n: Annotated[int | None, Field(ge=1)] = None
    """Number of results to return; by default all."""
    return_documents: bool = False
    """Whether each result includes its document."""
    model: str | None = None
    """Repeated in the answer; the configured model is always used."""
    instruction: Annotated[str | None, Field(max_length=MAX_TEXT_CHARS)] = None
    """What makes a document relevant; by default the configured instruction."""


class RerankedDocument(BaseModel):
    """The score of one document."""

    index: int
    relevance_score: float
    document: TextDocument | None = None


class RerankResponse(BaseModel):
    """The results, best first."""

    id: str
    model: str
    results: list[RerankedDocument]
    meta: dict[str, Any]


def router(services: Services) -> APIRouter:
    """The endpoint."""
    routes = APIRouter(tags=["rerank"], route_class=route_of(services))
    # Of their own, as what a caller has given up goes on until its time is up.
    threads = ThreadPoolExecutor(services.settings.serve.concurrency, "es-hybrid-rerank")

    @routes.post("/v2/rerank", include_in_schema=False, response_model_exclude_none=True)
    @routes.post(
        "/v1/rerank",
        response_model_exclude_none=True,
        responses=refusals(400, 401, 403, 408, 413, 429, 500, 501, 502),
        summary="Score documents against a query",
    )
    async def rerank(
        body: RerankRequest, sender: Annotated[OwnCaller, Depends(OwnCaller)]
    ) -> RerankResponse:
        sender.enter(services)
        reranker = _reranker_of(services)
        texts = _texts(body.documents, services.settings.serve.max_documents)
        async with services.admission.place():
            scored = await _scored(services, threads, reranker, body, texts)
        return _response(body, scored)

    return routes


def _reranker_of(services: Services) -> Reranker:
    if services.reranker is None:
        raise Refusal(
            501,
            "no_reranker_exception",
            "no reranker is configured: set rerank.model or rerank.url",
        )
    return services.reranker


def _texts(documents: Sequence[str | TextDocument], limit: int) -> list[str]:
    if len(documents) > limit:
        raise Refusal(
            400,
            "illegal_argument_exception",
            f"{len(documents)} documents in one request, but the limit is {limit} "
            "(serve.max_documents)",
        )
    return [item if isinstance(item, str) else item.text for item in documents]


async def _scored(
    services: Services,
    threads: ThreadPoolExecutor,
    reranker: Reranker,
    body: RerankRequest,
    texts: list[str],
) -> Scored:
    """Score in a thread, since a model would block the event loop."""
    instruction = body.instruction or services.settings.rerank.instruction_for()
    deadline = time.monotonic() + services.settings.serve.rerank_seconds

    def score() -> Scored:
        seconds = deadline - time.monotonic()
        return score_within(reranker, body.query, texts, instruction, seconds=seconds)

    scored = await asyncio.get_running_loop().run_in_executor(threads, score)
    services.metrics.searched({"rerank": scored.milliseconds}, ())
    return scored


def _response(body: RerankRequest, scored: Scored) -> RerankResponse:
    note, count = scored.misfit(), len(scored.documents)
    warnings = [note] if note else []
    if scored.late:
        warnings.append(f"{scored.late} of {count} documents not scored in time")
    return RerankResponse(
        id=str(uuid.uuid4()),
        model=body.model or "es-hybrid",
        results=[
            RerankedDocument(
                index=index,
                relevance_score=scored.scores[index],
                document=TextDocument(text=scored.documents[index])
                if body.return_documents
                else None,
            )
            for index in scored.order[: count - scored.late][: body.top_n]
        ],
        meta={"api_version": {"version": "1"}} | ({"warnings": warnings} if warnings else {}),
    )
