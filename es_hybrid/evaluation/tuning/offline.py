"""Search with many settings, and ask Elasticsearch and the models each thing once.

The engine itself runs every search, so its order is exact: what to ask, how to fuse and what to
rerank stay its decisions. Only the replies are recorded. A leaf is known by its body: weights and
rank constants leave it as it is, boosts, windows and numbers of candidates do not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Self

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.drive.driver import Driver, Send
from es_hybrid.drive.parts import Parts
from es_hybrid.drive.queries import Embed, QueryEmbedder
from es_hybrid.drive.send import sender
from es_hybrid.embedding import Embedder
from es_hybrid.errors import ElasticsearchError, EvaluationError
from es_hybrid.evaluation.tuning.scored_once import ScoredOnce, scores_by_pair
from es_hybrid.reranking import Reranker
from es_hybrid.retrieval.compile.shop import shop_plan
from es_hybrid.retrieval.context import Context, read_passport
from es_hybrid.retrieval.engine import searched
from es_hybrid.retrieval.execution.tree import to_embed, walk, with_vectors
from es_hybrid.retrieval.meaning import meaning_of
from es_hybrid.retrieval.needs import Call, EmbedQuery, Reply
from es_hybrid.retrieval.nodes import Rerank
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.rules import shop_ruling
from es_hybrid.settings import Settings
from es_hybrid.understanding.synonym_file import open_synonyms

# Ids of the first hits, best first.
Ids = tuple[str, ...]


class OfflineSearch:
    """Searches one index with many settings. Safe to call from several threads.

    The settings may differ in those of `tuning.space` only. The caller closes client, embedder and
    reranker.

    Attributes:
        asked: Number of leaves that Elasticsearch was asked for.
        pairs: Number of pairs of query and document that the reranker scored.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        settings: Settings,
        embedder: Embedder,
        reranker: Reranker | None,
    ) -> None:
        self.asked = 0
        self.pairs = 0
        self._counting = threading.Lock()
        self._settings = settings
        self._reranker = reranker
        self._by_pair = reranker is not None and scores_by_pair(reranker)
        self._send = sender(client)
        self._embed = QueryEmbedder(embedder, settings.embedding, wait_for_canaries=True)
        self._context = Context(
            index=settings.index.name,
            settings=settings,
            synonyms=open_synonyms(settings.search.synonyms),
        )

    def first_hits(self, text: str, tried: Sequence[Settings], *, size: int = 10) -> list[Ids]:
        """The first page of a shopper's search with each of these settings.

        Memory is that of the leaves of one query, about 0.3 MB each, and freed at the end.

        Args:
            size: Hits of the page.

        Raises:
            EvaluationError: a search was degraded, so its order is that of another system.
            EsHybridError: as in `HybridSearch.search`.
        """
        with self._recording() as recording:
            found = self._searched(SearchRequest(text=text, size=size), tried, recording)
        with self._counting:
            self.asked += recording.asked
            self.pairs += recording.pairs
        return found

    def _recording(self) -> _Recording:
        return _Recording(self._send, self._embed, self._reranker, by_pair=self._by_pair)

    def _searched(
        self, request: SearchRequest, tried: Sequence[Settings], recording: _Recording
    ) -> list[Ids]:
        present = recording.driver(self._settings)
        passport, _ = present.run(read_passport(self._context))
        ruling, _ = present.run(shop_ruling(request, self._context))
        ruled = ruling.applied(request, ())
        meant, _ = present.run(meaning_of(ruled, passport, self._context, ruling.synonyms))
        found = []
        for settings in tried:
            reranks = self._reranker is not None and settings.rerank.enabled
            context = replace(self._context, settings=settings, reranks=reranks)
            asked = ruling.applied(request, settings.search.signals)
            plan = partial(
                shop_plan, asked, meant, context.index, passport, settings, reranks,
                required=ruling.clauses,
            )  # fmt: skip
            lean = partial(_ranking_only, plan, recording)
            search = searched(lean, meant, asked, passport, context)
            retrieved, _ = recording.driver(settings).run(search)
            found.append(_ids(ruling.reported(retrieved), request.text))
        return found


def _ranking_only(plan: Callable[[bool], Plan], recording: _Recording, patterns: bool) -> Plan:
    """The plan with its vectors, and without what does not change the order.

    The total would tie the body of one leaf to the query of the other. Documents are read for the
    reranker only, and with the leaves, which many settings have in common.
    """
    made = plan(patterns)
    vectors = {text: recording.vector(text, made) for text, _ in to_embed(made.root)}
    root = with_vectors(made.root, vectors)
    assert root is not None
    lean = replace(made, root=root, track_total_hits=False, documents_apart=False)
    reads = any(isinstance(node, Rerank) for node in walk(root))
    return lean if reads else replace(lean, fetch={"_source": False})


def _ids(retrieved: Retrieved, text: str) -> Ids:
    if retrieved.degraded:
        raise EvaluationError(
            "the search was degraded: " + "; ".join(retrieved.degraded),
            place=f"query {text!r}",
            remedy="repair that part and run the command again",
        )
    return () if retrieved.not_found else tuple(hit["_id"] for hit in retrieved.hits)


class _Recording:
    """The replies to all that one query needs, each asked for once.

    Attributes:
        asked: Number of leaves that were asked for.
    """

    def __init__(
        self, send: Send, embed: Embed, reranker: Reranker | None, *, by_pair: bool
    ) -> None:
        self.asked = 0
        self._send = send
        self._embed = embed
        self._reranker = None if reranker is None else ScoredOnce(reranker, by_pair=by_pair)
        self._opened = ExitStack()
        # By weight of the reranker, which the parts of a search are made with.
        self._drivers: dict[float | None, Driver] = {}
        self._replies: dict[bytes, Any] = {}
        self._vectors: dict[str, Sequence[float]] = {}
        # Many leaves find the same documents.
        self._sources: dict[tuple[str, str], Any] = {}
        # The requests that close points in time, which later settings still search in.
        self._closing: dict[bytes, Call] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for call in self._closing.values():
            with suppress(ElasticsearchError):  # its keep-alive closes it as well
                self._send(call, None)
        self._opened.close()

    @property
    def pairs(self) -> int:
        """Number of pairs that the reranker scored."""
        return 0 if self._reranker is None else self._reranker.pairs

    def driver(self, settings: Settings) -> Driver:
        """A driver without time limits: the order is measured, not the speed of the machine."""
        weight = settings.rerank.weight
        if weight not in self._drivers:
            patient = settings.with_(rerank={"deadline_ms": None})
            parts = Parts(self._embed, self._reranker, patient)
            self._drivers[weight] = Driver(self.send, self._opened.enter_context(closing(parts)))
        return self._drivers[weight]

    def vector(self, text: str, plan: Plan) -> Sequence[float]:
        """Embed a text once."""
        if text not in self._vectors:
            need = EmbedQuery(text, plan.index, plan.passports)
            self._vectors[text] = self._embed(need, None)
        return self._vectors[text]

    def send(self, call: Call, seconds: float | None) -> Reply:
        """Send a request once; of an `_msearch`, each search."""
        if call.path.endswith("/_msearch"):
            return self._leaves(call, seconds)
        key = _key(call, call.body)
        if call.method == "DELETE":
            self._closing[key] = call
            return Reply(200, {})
        if key not in self._replies:
            self._replies[key] = self._send(call, seconds)
        reply: Reply = self._replies[key]
        return reply

    def _leaves(self, call: Call, seconds: float | None) -> Reply:
        parts: list[Any] = list(call.body or ())
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
        keys = [_key(call, body) for _, body in pairs]
        new = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._replies}
        if new:
            body = [part for pair in new.values() for part in pair]
            reply = self._send(replace(call, body=body), seconds)
            if reply.status >= 400:
                return reply
            self.asked += len(new)
            for key, answer in zip(new, reply.body["responses"], strict=True):
                self._share_sources(answer)
                self._replies[key] = answer
        return Reply(200, {"took": 0, "responses": [self._replies[key] for key in keys]})

    def _share_sources(self, answer: dict[str, Any]) -> None:
        for hit in answer.get("hits", {}).get("hits", ()):
            if "_source" in hit:
                key = (hit["_index"], hit["_id"])
                hit["_source"] = self._sources.setdefault(key, hit["_source"])


def _key(call: Call, body: Any) -> bytes:
    """What a reply depends on. The header of a leaf chooses among copies of the same shards."""
    parts = (call.method, call.path, call.params, body)
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
