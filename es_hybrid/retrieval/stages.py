"""The stages of a search, in the one place where their order is written.

`search_stages` is that order as a generator. It does no I/O: it yields what it needs (a query
vector, the legs' answers, scores) and is sent the result, or thrown the error. Whoever drives it
decides how to wait: see `es_hybrid.search`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from es_hybrid.errors import EmbeddingError, RerankError
from es_hybrid.index.document import from_document
from es_hybrid.index.passport import Passport
from es_hybrid.index.text import embedding_text
from es_hybrid.retrieval.bodies import field_groups, knn_body, lexical_body, lexical_query
from es_hybrid.retrieval.filters import filter_clauses
from es_hybrid.retrieval.fuse import reciprocal_rank_fusion
from es_hybrid.retrieval.legs import Leg, identified, union_facets, union_total
from es_hybrid.retrieval.request import MAX_QUERY_CHARS, SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse, StageRank
from es_hybrid.settings import Settings

ANY_WORD = "1"


@dataclass(frozen=True, slots=True)
class EmbedQuery:
    """Needs `[dims]` numbers."""

    stage: ClassVar[str] = "embed"
    text: str


@dataclass(frozen=True, slots=True)
class AskLegs:
    """Needs the answer to each body, by leg, from one `_msearch`."""

    stage: ClassVar[str] = "elasticsearch"
    bodies: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ScoreDocuments:
    """Needs one number in [0, 1] for each document."""

    stage: ClassVar[str] = "rerank"
    query: str
    documents: Sequence[str]


Need = EmbedQuery | AskLegs | ScoreDocuments
Stages = Generator[Need, Any, SearchResponse]
Ranking = list[tuple[str, float]]


def search_stages(
    request: SearchRequest, *, passport: Passport, settings: Settings, reranks: bool
) -> Stages:
    """The stages of one search: send each need's result back, until it returns the response.

    Args:
        passport: Of the index that is searched.
        reranks: Whether there is a reranker to ask.
    """
    return _Search(request, passport, settings).stages(reranks=reranks)


class _Search:
    """One search under way."""

    def __init__(self, request: SearchRequest, passport: Passport, settings: Settings) -> None:
        self._request = request
        self._passport = passport
        self._settings = settings
        self._text = request.text.strip()[:MAX_QUERY_CHARS]
        self._degraded: list[str] = []
        self._ranks: dict[str, dict[str, StageRank]] = {}

    def stages(self, *, reranks: bool) -> Stages:
        """Embed the query, ask both legs at once, fuse, rerank the top, cut the page."""
        if len(self._request.text.strip()) > MAX_QUERY_CHARS:
            self._degraded.append(f"query: only its first {MAX_QUERY_CHARS} characters were used")
        vector = yield from self._embed()
        legs = yield from self._ask(vector)
        ranking = self._fuse(legs)
        # Who asks for a SKU or GTIN has said what is meant: there is nothing to judge.
        if reranks and not identified(legs):
            ranking = yield from self._rerank(ranking, legs)
        return self._response(ranking, legs)

    def _embed(self) -> Generator[Need, Any, Sequence[float] | None]:
        """The query's vector; None where no leg wants one or, said aloud, none can be had."""
        if self._request.mode == "bm25":
            return None
        try:
            vector: Sequence[float] = yield EmbedQuery(self._text)
        except EmbeddingError as error:
            if self._request.mode == "knn":
                raise
            self._degraded.append(f"embedding: {error.message}")
            return None
        return vector

    def _ask(self, vector: Sequence[float] | None) -> Generator[Need, Any, list[Leg]]:
        request, settings = self._request, self._settings.search
        filters = filter_clauses(request.filters)
        window = max(settings.window, request.page * request.size)
        source = {"excludes": [self._passport.vector_field, "text_hash"]}
        query = lexical_query(
            self._text,
            field_groups=field_groups(settings.fields, self._passport.languages),
            identifier_fields=settings.identifier_fields,
            # Beside the vector leg the lexical one is there for precision: a product that shares
            # "for" with a long question would take rank points from a good one.
            minimum_should_match=ANY_WORD if vector is None else settings.minimum_should_match,
            filters=filters,
        )
        bodies = {}
        if request.mode != "knn":
            bodies["bm25"] = lexical_body(query, size=window, facets=request.facets, source=source)
        if vector is not None:
            bodies["knn"] = knn_body(
                vector,
                field=self._passport.vector_field,
                k=window,
                num_candidates=max(settings.num_candidates, window),
                filters=filters,
                lexical=query if bodies else None,
                facets=request.facets,
                source=source,
            )
        answers = yield AskLegs(bodies)
        return [Leg(name, answer) for name, answer in answers.items()]

    def _fuse(self, legs: Sequence[Leg]) -> Ranking:
        """Ids with the deciding score, best first. A hit by its SKU or GTIN precedes all others."""
        for leg in legs:
            self._ranks[leg.name] = leg.stage_ranks()
        if len(legs) == 1:
            ranking = [(id_, stage.score) for id_, stage in self._ranks[legs[0].name].items()]
        else:
            settings = self._settings.search
            ranking = reciprocal_rank_fusion(
                [leg.ranking() for leg in legs],
                weights=[settings.bm25_weight, settings.knn_weight],
                rank_constant=settings.rank_constant,
            )
            named = set(identified(legs))
            ranking.sort(key=lambda item: item[0] not in named)
            self._ranks["rrf"] = _stage_ranks(ranking)
        return ranking

    def _rerank(self, ranking: Ranking, legs: Sequence[Leg]) -> Generator[Need, Any, Ranking]:
        """The first `rerank.window` in the reranker's order, the rest as they were."""
        window = self._settings.rerank.window
        top, rest = ranking[:window], ranking[window:]
        sources = _sources(legs)
        documents = [self._document_text(id_, sources[id_]) for id_, _ in top]
        try:
            scores = yield ScoreDocuments(self._text, documents)
        except RerankError as error:
            self._degraded.append(f"rerank: {error.message}")
            return ranking
        scored = [(id_, float(score)) for (id_, _), score in zip(top, scores, strict=True)]
        scored.sort(key=lambda item: -item[1])
        self._ranks["rerank"] = _stage_ranks(scored)
        return scored + rest

    def _document_text(self, id_: str, source: Mapping[str, Any]) -> str:
        """What the reranker reads: the text that was embedded."""
        return embedding_text(
            from_document(id_, source),
            template=self._passport.text_template,
            max_chars=self._passport.text_max_chars,
        )

    def _response(self, ranking: Ranking, legs: Sequence[Leg]) -> SearchResponse:
        first = (self._request.page - 1) * self._request.size
        sources = _sources(legs)
        return SearchResponse(
            hits=[
                Hit(
                    id=id_,
                    rank=rank,
                    score=score,
                    source=sources[id_],
                    stages={
                        stage: ranks[id_] for stage, ranks in self._ranks.items() if id_ in ranks
                    },
                )
                for rank, (id_, score) in enumerate(ranking, 1)
                if first < rank <= first + self._request.size
            ],
            total=union_total(legs),
            facets=union_facets(legs, self._request.facets),
            degraded=tuple(self._degraded),
            reranked=len(self._ranks.get("rerank", ())),
        )


def _stage_ranks(ranking: Ranking) -> dict[str, StageRank]:
    return {id_: StageRank(rank, score) for rank, (id_, score) in enumerate(ranking, 1)}


def _sources(legs: Sequence[Leg]) -> dict[str, Mapping[str, Any]]:
    return {hit["_id"]: hit["_source"] for leg in legs for hit in leg.hits}
