"""Searches on the live node with a minimal driver that records the requests."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.drive.send import sender
from es_hybrid.errors import EsHybridError
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import answer, execute
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.needs import Call, Compute, EmbedQuery, Need, ScoreDocuments, Scores
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.response import Retrieved

DIMS = 8
WORDS = ["red", "blue", "green", "kettle", "shoe", "shirt", "lamp", "table", "chair", "phone"]
MAPPING: dict[str, Any] = {
    "properties": {
        "title": {"type": "text"},
        "brand": {"type": "keyword"},
        "price": {"type": "float"},
        "stock": {"type": "integer"},
        "generation": {"type": "integer"},
        "embedding": {"type": "dense_vector", "dims": DIMS, "similarity": "cosine",
                      "index_options": {"type": "hnsw"}},
    }
}  # fmt: skip

Row = dict[str, Any]


def rows(count: int, seed: int = 1) -> dict[str, Row]:
    """Products by id: many share words and brands, so that scores are often equal."""
    rng = random.Random(seed)
    return {
        f"p{number}": {
            "title": " ".join(rng.choices(WORDS, k=rng.randint(2, 6))),
            "brand": rng.choice("abcde"),
            "price": rng.randint(1, 100),
            "stock": rng.randint(0, 3),
            "embedding": vector_of(f"p{number}"),
        }
        for number in range(count)
    }


def vector_of(text: str) -> list[float]:
    """A seeded vector of a text."""
    rng = random.Random(text)
    return [rng.gauss(0, 1) for _ in range(DIMS)]


def make_index(
    es: Elasticsearch,
    name: str,
    products: Mapping[str, Row],
    shards: int = 1,
    vector_type: str = "hnsw",
) -> None:
    """An index of these products, ready to be searched."""
    mappings = deepcopy(MAPPING)
    mappings["properties"]["embedding"]["index_options"]["type"] = vector_type
    es.indices.create(
        index=name,
        mappings=mappings,
        settings={"number_of_shards": shards, "number_of_replicas": 0, "refresh_interval": "-1"},
    )
    bulk(es, ({"_index": name, "_id": id_, **row} for id_, row in products.items()))
    es.indices.refresh(index=name)


@dataclass
class Searcher:
    """One client of the node.

    Attributes:
        calls: Requests of the last search.
        embedded: Texts of all searches.
        embed: Replaces the embedder; raises `EmbeddingError` to simulate a dead one.
        score: Replaces the reranker in the same way.
        before: Called before each request, to change the index between two.
    """

    es: Elasticsearch
    index: str
    execution: Execution = "client"
    abilities: Abilities = field(default_factory=Abilities)
    calls: list[Call] = field(default_factory=list)
    embedded: list[EmbedQuery] = field(default_factory=list)
    embed: Callable[[str], Sequence[float]] = vector_of
    score: Callable[[ScoreDocuments], Sequence[float]] | None = None
    weight: float = 1.0
    before: Callable[[Call], None] = lambda call: None

    def answer(
        self, body: Mapping[str, Any], *, index: str | None = None, **options: Any
    ) -> Retrieved:
        """A search body, answered."""
        params = options.pop("params", None)
        context = replace(self._context, index=self.index if index is None else index, **options)
        return self._drive(answer(body, context, params))

    def execute(self, plan: Plan) -> Retrieved:
        """A plan, run."""
        return self._drive(execute(plan, self._context))

    @property
    def _context(self) -> Context:
        return Context(
            abilities=self.abilities, execution=self.execution, reranks=self.score is not None
        )

    @property
    def paths(self) -> list[str]:
        """Paths of the requests, in order, without the index."""
        return [f"{call.method} {call.path.rpartition('/')[2]}" for call in self.calls]

    def sent(self, endpoint: str) -> Call:
        """The first request to an endpoint, e.g. `_msearch`."""
        return next(call for call in self.calls if call.path.endswith(f"/{endpoint}"))

    def _drive(self, generator: Generator[Need, Any, Retrieved]) -> Retrieved:
        self.calls.clear()
        step: Callable[[], Need] = lambda: next(generator)  # noqa: E731
        while True:
            try:
                need = step()
            except StopIteration as end:
                result: Retrieved = end.value
                return result
            try:
                served = self._serve(need)
            except EsHybridError as error:
                step = lambda e=error: generator.throw(e)  # type: ignore[misc]  # noqa: E731
            else:
                step = lambda value=served: generator.send(value)  # type: ignore[misc]  # noqa: E731

    def _serve(self, need: Need) -> Any:
        match need:
            case EmbedQuery():
                self.embedded.append(need)
                return self.embed(need.text)
            case ScoreDocuments():
                assert self.score is not None
                return Scores(self.score(need), self.weight)
            case Compute():
                return need.run()
            case Call():
                self.calls.append(need)
                self.before(need)
                return sender(self.es)(need, None)
