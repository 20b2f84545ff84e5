"""What a search returns: `Retrieved` in Elasticsearch's form, `SearchResponse` in a shop's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from es_hybrid.index.document import product_of
from es_hybrid.index.passport import Passport
from es_hybrid.records import Product
from es_hybrid.retrieval.compile.facets import GROUPS, facet_counts, group_count
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.plan import Key
from es_hybrid.retrieval.request import MAX_QUERY_CHARS, MAX_WINDOW, SearchRequest
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.meaning import Meaning
from es_hybrid.understanding.synonyms import Synonym
from es_hybrid.understanding.value_classes import NO_CLASSES, ValueClasses

# In the order in which most of their time is spent; Elasticsearch is asked at the start as well.
_TIMED = ("embed", "understand", "elasticsearch", "rerank", "total")
# The score of a hit is that of the last of these stages that ranked it.
_DECIDING = ("rerank", "signals", "rrf", "bm25", "knn")
# In a hit: the version of it to show.
VERSION = "_version_shown"


@dataclass(frozen=True, slots=True)
class StageRank:
    """Where one stage put a hit: rank from 1, and the stage's own score."""

    rank: int
    score: float


Stages = Mapping[str, Mapping[Key, StageRank]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredRule:
    """A merchandising rule whose criteria a search met.

    Attributes:
        id: Name of the rule.
        changed: Action -> what it did, e.g. `{"pin": ["17"], "replace": "red shirt"}`.
        overruled: Actions that did not apply, or in part: a rule of higher priority or the request
            contradicts them, or a body's own query knows no such action.
    """

    id: str
    version: int
    changed: Mapping[str, Any]
    overruled: tuple[str, ...] = ()


# Why a search found nothing: no product has this trade number; none has these words or is close in
# meaning; filters exclude all; or no product has the words, and no vectors were searched.
ZeroResults = Literal["identifier", "not_sold", "filters", "words"]


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """The answer to one search.

    Attributes:
        answer: In the form of `_search`: `took`, `timed_out`, `_shards`, `hits`, and what else was
            requested.
        read_stages: Computes `stages`; most answers are used without them.
        read_whole_stages: Computes the same of every hit that a stage ranked, also of those that
            are not on the page.
        degraded: What failed, e.g. `embedding: cannot be reached`.
        notes: What was deliberately left out, e.g. `rerank: the model is for en`.
        reranked: Number of hits that the reranker scored.
        filters: Filters of the vector leaf of a body with `ext.es_hybrid`.
        passport: Passport of the index, if it was read.
        best: Leg (`bm25`, `knn`) that ran -> scores of its first five hits.
        meaning: What the query of a shopper means.
        not_found: Why none of the hits is what was asked for.
        similar: Number of them to show nevertheless, apart.
        rules: The merchandising rules that fired.
        redirect: Address that one of them names.
        value_classes: Facet values that are counted as one.
    """

    answer: Mapping[str, Any]
    read_stages: Callable[[], Stages] = dict
    read_whole_stages: Callable[[], Stages] = dict
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reranked: int = 0
    filters: tuple[Clause, ...] = ()
    passport: Passport | None = None
    best: Mapping[str, Sequence[float]] = field(default_factory=dict)
    meaning: Meaning | None = None
    not_found: ZeroResults | None = None
    similar: int = 0
    rules: Sequence[FiredRule] = ()
    redirect: str | None = None
    value_classes: ValueClasses = NO_CLASSES

    @cached_property
    def stages(self) -> Stages:
        """Stage -> hit -> rank and score, for every stage that ran here.

        The second stage of a name is `standard#2`.
        """
        return self.read_stages()

    @property
    def hits(self) -> list[Mapping[str, Any]]:
        """The page's hits in Elasticsearch's form."""
        hits: list[Mapping[str, Any]] = self.answer["hits"]["hits"]
        return hits

    @property
    def total(self) -> int | None:
        """Number of documents found, as far as they were counted; None if they were not."""
        total = self.answer["hits"].get("total")
        return None if total is None else int(total["value"])

    def stages_of(self, hit: Mapping[str, Any]) -> dict[str, StageRank]:
        """Stage -> rank and score of one hit; stages that did not return it are absent."""
        key = Key(hit["_index"], hit["_id"])
        return {stage: ranks[key] for stage, ranks in self.stages.items() if key in ranks}


@dataclass(frozen=True, slots=True)
class MatchedVersion:
    """The version of a product that matched best, where another one is shown."""

    id: str
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One product found.

    Attributes:
        rank: From 1, counted over all pages.
        score: Score of the stage that decided the order: the reranker's in [0, 1], else that of the
            signals, else the fused score or that of the single leg.
        source: The stored document, without its vector.
        stages: Stage (`bm25`, `knn`, `rrf`, `signals`, `rerank`) -> rank and score there; stages
            that did not return the hit are absent.
        highlight: Field -> HTML fragments, with the matching words inside `<em>`; only for hits
            that contain words of the query.
        explanation: Elasticsearch's explanation, if requested.
        group: Value of the field that the search is grouped by; None if the product has none.
        matched: The version that matched best, if `display_lang` shows another one. Rank, score,
            stages and explanation are its own.
    """

    id: str
    rank: int
    score: float
    source: Mapping[str, Any]
    stages: Mapping[str, StageRank]
    highlight: Mapping[str, Sequence[str]] = field(default_factory=dict)
    explanation: Mapping[str, Any] | None = None
    group: Any = None
    matched: MatchedVersion | None = None
    # The underscore keeps it out of JSON.
    _passport: Annotated[Passport | None, Field(exclude=True)] = field(default=None, repr=False)

    @property
    def product(self) -> Product:
        """The product in `source`, also if the shop's index uses other field names."""
        return product_of(self._passport, self.id, self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResponse:
    """One page, and the facts about the set of products it is cut from.

    That set is every product that either leg matched; for a search that is sorted or cut off, it
    is the best `search.window` of them.

    Attributes:
        total: Number of products in the set; of groups, if the search is collapsed.
        pages: Number of pages of this size that can be requested.
        facets: Field -> value -> count over the same products, most frequent first; for a facet
            with bounds, range -> count, ascending.
        timings: Stage -> milliseconds; `total` for the whole search.
        degraded: What failed, e.g. `embedding: cannot be reached`; empty if nothing did.
        notes: What was deliberately left out, e.g. `rerank: the model is for en, this query looks
            like zh`.
        reranked: Number of hits that the reranker scored.
        corrected: What was searched instead of the query, because the catalogue lacks some of its
            words; empty if the query was searched as it is.
        replaced: Words of the query that the catalogue lacks -> words searched in their place.
        understood: Prices and exclusions in the query, which apply as filters, and brands,
            categories, colours and sizes, which rank products higher. Search again with the `text`
            of one in `ignore` to remove it.
        synonyms: Words of the query that are searched by other words; removed in the same way.
        similar: On the first page, if nothing was found: the nearest products, which are not what
            was asked for. They count nowhere.
        rules: The merchandising rules that fired, and what each changed.
        redirect: Address that the shop should show instead, if a rule names one.
        zero_results: Why nothing was found: `identifier`, no product has this trade number;
            `not_sold`, none has these words, and none is close in meaning; `filters` exclude
            everything; `words`, none has these words, and no vectors were searched. None if
            something was found.
    """

    hits: list[Hit]
    total: int
    pages: int = 0
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reranked: int = 0
    corrected: str = ""
    replaced: Mapping[str, str] = field(default_factory=dict)
    understood: Sequence[Condition] = ()
    synonyms: Sequence[Synonym] = ()
    similar: Sequence[Hit] = ()
    zero_results: ZeroResults | None = None
    rules: Sequence[FiredRule] = ()
    redirect: str | None = None


def present(
    request: SearchRequest, retrieved: Retrieved, timings: Mapping[str, float]
) -> SearchResponse:
    """The response to a shop's request."""
    hits = [
        _hit(request, hit, retrieved, rank)
        for rank, hit in enumerate(retrieved.hits, request.first + 1)
    ]
    return SearchResponse(
        **_found(request, retrieved, hits),
        timings=timings_of(timings),
        degraded=(*_cut(request), *retrieved.degraded, *incomplete(retrieved.answer)),
        notes=retrieved.notes,
        reranked=retrieved.reranked,
        rules=retrieved.rules,
        redirect=retrieved.redirect,
        **understood_as(retrieved.meaning or Meaning(request.words)),
    )


def timings_of(timings: Mapping[str, float]) -> dict[str, float]:
    """Stage -> milliseconds, as answers show them."""
    return {stage: round(timings[stage], 2) for stage in _TIMED if stage in timings}


def understood_as(meant: Meaning) -> dict[str, Any]:
    """How a query was understood, under the names of `SearchResponse`."""
    return {
        "corrected": meant.correction.text if meant.correction else "",
        "replaced": meant.correction.replaced if meant.correction else {},
        "understood": meant.conditions,
        "synonyms": meant.synonyms,
    }


def counted(request: SearchRequest, retrieved: Retrieved) -> tuple[int, ZeroResults | None]:
    """Number of products found, or of groups; and if there are none, why."""
    if retrieved.not_found:
        return 0, retrieved.not_found
    total = retrieved.total or 0
    if request.group_field:
        total = group_count(retrieved.answer.get("aggregations", {})[GROUPS])
    return total, None if total else _why_nothing(request, retrieved)


def _found(request: SearchRequest, retrieved: Retrieved, hits: list[Hit]) -> dict[str, Any]:
    """The hits, and what is counted."""
    total, zero_results = counted(request, retrieved)
    if retrieved.not_found:
        return {
            "hits": [],
            "total": total,
            "facets": {name.partition(":")[0]: {} for name in request.facets},
            "similar": hits[: retrieved.similar] if request.page == 1 else (),
            "zero_results": zero_results,
        }
    return {
        "hits": hits,
        "total": total,
        "pages": min(math.ceil(total / request.size), MAX_WINDOW // request.size),
        "facets": _facets(request, retrieved) if request.facets else {},
        "zero_results": zero_results,
    }


def _facets(request: SearchRequest, retrieved: Retrieved) -> dict[str, dict[str, int]]:
    return facet_counts(
        request.facets,
        retrieved.answer.get("aggregations", {}),
        retrieved.value_classes,
        request.display_lang,
    )


def _why_nothing(request: SearchRequest, retrieved: Retrieved) -> ZeroResults:
    conditions = retrieved.meaning and retrieved.meaning.conditions
    filtered = any("filter" in rule.changed for rule in retrieved.rules)
    return "filters" if request.filters or request.selected or conditions or filtered else "words"


def _cut(request: SearchRequest) -> Iterator[str]:
    if request.is_cut:
        yield f"query: only its first {MAX_QUERY_CHARS} characters were used"


def incomplete(answer: Mapping[str, Any]) -> Iterator[str]:
    """What Elasticsearch's answer lacks."""
    if answer["timed_out"]:
        yield "elasticsearch: ran out of time before everything was searched"
    if failed := answer["_shards"]["failed"]:
        yield f"elasticsearch: {failed} of {answer['_shards']['total']} shards failed"


def _hit(request: SearchRequest, hit: Mapping[str, Any], retrieved: Retrieved, rank: int) -> Hit:
    stages = retrieved.stages_of(hit)
    pinned = {*request.pinned, *(id_ for r in retrieved.rules for id_ in r.changed.get("pin", ()))}
    shown = {
        stage: place for stage, place in stages.items() if stage != "pinned" or hit["_id"] in pinned
    }
    deciding = next((stages[stage] for stage in _DECIDING if stage in stages), None)
    group = hit.get("fields", {}).get(request.group_field, [None])
    version = hit.get(VERSION, hit)
    return Hit(
        id=version["_id"],
        rank=rank,
        score=hit["_score"] if deciding is None else deciding.score,
        source=version["_source"],
        stages=shown,
        highlight=version.get("highlight", {}),
        explanation=hit.get("_explanation"),
        group=group[0],
        matched=None if version is hit else _matched(hit, retrieved.passport),
        _passport=retrieved.passport,
    )


def _matched(hit: Mapping[str, Any], passport: Passport | None) -> MatchedVersion:
    return MatchedVersion(hit["_id"], product_of(passport, hit["_id"], hit["_source"]).lang)
