"""Rerank servers of the three kinds: Cohere's form, SGLang's and TEI's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.fakes.http import Answer, HttpServer, Request, json_answer

# Decoded request -> answer.
Respond = Callable[[dict[str, Any]], Answer]

# Query and documents -> scores.
Model = Callable[[str, Sequence[str]], Sequence[float]]


def by_length(text: str) -> float:
    """The shorter, the better."""
    return 1 / (1 + len(text))


def by_overlap(query: str, documents: Sequence[str]) -> list[float]:
    """A weak model that is right: the share of the query's pairs of letters in the document."""
    wanted = _pairs(query)
    return [len(wanted & _pairs(document)) / len(wanted) for document in documents]


def by_chance(query: str, documents: Sequence[str]) -> list[float]:
    """A model with a random head: the score of a pair is always the same, and says nothing."""
    seeds = [hashlib.sha256(f"{query}|{each}".encode()).digest()[:4] for each in documents]
    return [int.from_bytes(seed) / 2**32 for seed in seeds]


def _pairs(text: str) -> set[str]:
    text = text.lower()
    return {text[at : at + 2] for at in range(len(text) - 1)}


def serving_model(model: Model) -> Respond:
    """A server in Cohere's form."""

    def respond(body: dict[str, Any]) -> Answer:
        scores = enumerate(model(body["query"], body["documents"]))
        results = [{"index": index, "relevance_score": score} for index, score in scores]
        return json_answer(200, {"results": results})

    return respond


def cohere(body: dict[str, Any]) -> Answer:
    if set(body) - {"model", "query", "documents"}:
        return json_answer(422, {"detail": "unknown field"})
    scored = [
        {"index": i, "relevance_score": by_length(d)} for i, d in enumerate(body["documents"])
    ]
    return json_answer(200, {"results": sorted(scored, key=lambda one: -one["relevance_score"])})


def sglang(body: dict[str, Any]) -> Answer:
    weight = 0.5 if body.get("instruct") == "Judge" else 1.0
    scored = [
        {"index": i, "score": weight * by_length(d), "document": d}
        for i, d in enumerate(body["documents"])
    ]
    return json_answer(200, sorted(scored, key=lambda one: -one["score"]))


def tei(body: dict[str, Any]) -> Answer:
    if "texts" not in body:
        return json_answer(422, {"error": "missing field `texts`"})
    if len(body["texts"]) > 32:
        return json_answer(413, {"error": "batch size too large"})
    scored = [{"index": i, "score": by_length(d)} for i, d in enumerate(body["texts"])]
    return json_answer(200, sorted(scored, key=lambda one: one["index"] % 2))


class RerankServer(HttpServer):
    """Answers a POST to any path.

    Attributes:
        requests: The decoded body of each request.
    """

    def __init__(self, respond: Respond = cohere) -> None:
        super().__init__(self._answer)
        self.respond = respond
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """The value for `rerank.url`."""
        return f"{super().url}/v1/rerank"

    def _answer(self, request: Request) -> Answer:
        body = json.loads(request.body)
        with self.lock:
            self.requests.append(body)
        return self.respond(body)
