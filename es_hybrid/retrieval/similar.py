"""Products like some others, for the shelf on a product's page.

    ids -> stored vectors and attributes -> two legs without the products themselves -> fuse -> hits

The vector leg finds the neighbours of the mean vector, the lexical leg products of the same
category, with the same words in the title, of the same brand. A generator that does no I/O, as
those of `retrieval.engine`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from es_hybrid.errors import InvalidRequest, RequestRefused
from es_hybrid.filters import filter_clauses
from es_hybrid.index.document import numbers_of, product_of
from es_hybrid.index.passport import Passport
from es_hybrid.records import GROUP_FIELD, Product
from es_hybrid.retrieval.compile.conditions import having
from es_hybrid.retrieval.compile.lexical import groups_in
from es_hybrid.retrieval.context import Context, read_fields, read_passport
from es_hybrid.retrieval.execution.diversify import Floats
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking, rrf, shown_scores
from es_hybrid.retrieval.execution.page import documents_query
from es_hybrid.retrieval.execution.requests import (
    LeafResult,
    checked,
    checked_leaves,
    leaf_body,
    msearch,
    search,
)
from es_hybrid.retrieval.execution.stored_vectors import hits_with_vectors, unit_of, vector_of
from es_hybrid.retrieval.execution.tree import Leaf, any_of
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import Clause, Knn, Rrf, Standard
from es_hybrid.retrieval.plan import Key, Plan
from es_hybrid.retrieval.request import FieldName, HttpFilters
from es_hybrid.retrieval.response import Hit, StageRank, incomplete

# Hits of each leg. The second number is for groups so large that the first leaves the shelf short.
_WINDOWS = (100, 1000)
# What the category and the brand add to the score of the words, and the share of the words that a
# product of another category needs; see docs/merchandising.md for the measurement.
_CATEGORY_BOOST, _BRAND_BOOST = 10.0, 1.0
_TITLE_WORDS = "30%"
# Titles whose words are searched; the vectors and categories of a larger basket still count.
_TITLES = 5
# Products with the given ids: behind an alias, several indices may have the same.
_MOST_COPIES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarRequest:
    """A shelf of similar products. The annotated bounds apply to requests over HTTP.

    Raises:
        InvalidRequest: the request cannot be answered.
    """

    # Read by pydantic, which validates requests over HTTP.
    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
    }

    ids: Annotated[Sequence[FieldName], Field(min_length=1, max_length=20)]
    """Products that the shelf is for: one, or those of a basket."""
    filters: HttpFilters = field(default_factory=dict)
    """As in a search: only what passes is shown."""
    size: Annotated[int, Field(ge=1, le=100)] = 10
    """Products to show."""
    collapse: FieldName | None = None
    """Keyword or number field whose value variants share: one product of each value is shown, and
    none with that of the given products. Default: `group_id`, if the index has it."""
    timeout_ms: Annotated[int | None, Field(ge=0, le=600_000)] = None
    """Milliseconds for the whole search; 0: no limit. Default: `search.timeout_ms`."""

    def __post_init__(self) -> None:
        """Refuse what could not be answered."""
        if isinstance(self.ids, str) or not 1 <= len(self.ids) <= 20:
            raise InvalidRequest("not 1 to 20 ids", place="ids", remedy="give a list of them")
        if not 1 <= self.size <= 100:
            raise InvalidRequest(
                f"{self.size} products are out of range",
                place="size",
                remedy="ask for 1 to 100",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarResponse:
    """Products like the given ones, best first.

    Attributes:
        hits: With their ranks in the stages `bm25` (words, category and brand), `knn` and `rrf`.
        timings: Stage -> milliseconds; `total` for the whole search.
        degraded: What failed; empty if nothing did.
        notes: Which of the given products have no vector.
    """

    hits: list[Hit]
    timings: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def similar(request: SimilarRequest, context: Context) -> Generator[Need, Any, SimilarResponse]:
    """Find products like the given ones.

    Raises:
        RequestRefused: status 404, naming the ids that the index does not have; or with
            Elasticsearch's own error.
        InvalidRequest: a filter cannot be read.
        IndexStateError: the index has no passport, or several.
        ElasticsearchError: the cluster cannot be reached.
    """
    return settled(partial(_similar, request, context), context.index, context.known)


def _similar(request: SimilarRequest, context: Context) -> Generator[Need, Any, SimilarResponse]:
    passport = yield from read_passport(context)
    group = request.collapse
    if group is None and (yield from read_fields(context)).types.is_exact(GROUP_FIELD):
        group = GROUP_FIELD
    ids = list(dict.fromkeys(request.ids))
    # Its query is what tells one shelf from another, so that all go to different shard copies.
    plan = Plan(root=Standard(query={"ids": {"values": ids}}), index=context.index)
    sources = yield from _sources(ids, plan, passport, group, context)
    nodes = _nodes(request, sources, passport, group, context)
    legs: Mapping[str, LeafResult] = {}
    stages: dict[str, Ranking] = {}
    for window in _WINDOWS if group else _WINDOWS[:1]:
        legs = yield from _legs(nodes, window, plan, group)
        stages = _one_of_each_group(legs, group)
        rankings = list(stages.values())
        constant = context.settings.search.rank_constant
        fused = rrf(rankings, [1.0] * len(rankings), rank_constant=constant)
        stages["rrf"] = fused[: request.size]
        if len(fused) >= request.size or all(len(leg.hits) < window for leg in legs.values()):
            break
    hits = yield from _shown(stages, plan, passport, group)
    without = [hit["_id"] for hit in sources if vector_of(hit, passport.vector_field) is None]
    return SimilarResponse(
        hits=hits,
        degraded=tuple(dict.fromkeys(chain(*(incomplete(leg.answer) for leg in legs.values())))),
        notes=(f"no vector: {', '.join(without)}",) if without else (),
    )


def _sources(
    ids: Sequence[str], plan: Plan, passport: Passport, group: str | None, context: Context
) -> Generator[Need, Any, Sequence[Mapping[str, Any]]]:
    """The given products, with their vectors.

    Raises:
        RequestRefused: the index lacks some.
    """
    body = {**_document(passport, group), "query": {"ids": {"values": ids}}, "size": _MOST_COPIES}
    packed = context.abilities.packed_vectors
    hits = yield from hits_with_vectors(
        body, passport.vector_field, context.index, partial(search, plan), packed
    )
    found = {hit["_id"] for hit in hits}
    if missing := [id_ for id_ in ids if id_ not in found]:
        raise RequestRefused(
            f"no such product: {', '.join(missing)}",
            status=404,
            type="resource_not_found_exception",
            place=f"index {context.index}",
            remedy="name products of the index; a new one is found after the next refresh",
        )
    return hits


def _nodes(
    request: SimilarRequest,
    sources: Sequence[Mapping[str, Any]],
    passport: Passport,
    group: str | None,
    context: Context,
) -> list[Standard | Knn]:
    """The legs, without the given products and their variants."""
    products = [product_of(passport, hit["_id"], hit["_source"]) for hit in sources]
    given: list[Clause] = [{"ids": {"values": [hit["_id"] for hit in sources]}}]
    if groups := [value for hit in sources if (value := _group(hit, group)) is not None]:
        given.append({"terms": {group: groups}})
    filters = (*filter_clauses(request.filters), {"bool": {"must_not": given}})
    nodes: list[Standard | Knn] = []
    if (query := _alike(products, passport)) is not None:
        nodes.append(Standard(label="bm25", query=query, filters=filters))
    if (vector := _mean(sources, passport.vector_field)) is not None:
        nearest = Knn(
            label="knn",
            field=passport.vector_field,
            vector=numbers_of(vector),
            k=_WINDOWS[0],
            num_candidates=context.settings.search.num_candidates,
            filters=filters,
        )
        nodes.append(nearest)
    return nodes


def _alike(products: Sequence[Product], passport: Passport) -> Clause | None:
    """Products of the categories, or with some words of the titles; those of the brands first."""
    paths = (path for each in products for path in (each.category, *each.other_categories) if path)
    categories = list(dict.fromkeys(map(" > ".join, paths)))
    brands = list(dict.fromkeys(each.brand for each in products if each.brand))
    clauses = having({"category": categories}, passport, _CATEGORY_BOOST) if categories else []
    titles = [
        {"multi_match": {"query": title, "fields": group, "minimum_should_match": _TITLE_WORDS}}
        for title in list(dict.fromkeys(each.title for each in products if each.title))[:_TITLES]
        for group in groups_in(("title",), passport)
    ]
    if titles:
        clauses.append({"dis_max": {"queries": titles}})
    if not clauses:
        return None
    preferred = having({"brand": brands}, passport, _BRAND_BOOST) if brands else []
    return {"bool": {"must": any_of(clauses), "should": preferred}}


def _mean(sources: Sequence[Mapping[str, Any]], field: str) -> Floats | None:
    """The mean direction of the stored vectors, `[dims]` float32; None if there is none."""
    units = [unit for hit in sources if (unit := unit_of(vector_of(hit, field))) is not None]
    return unit_of(np.mean(units, axis=0)) if units else None


def _legs(
    nodes: Sequence[Standard | Knn], window: int, plan: Plan, group: str | None
) -> Generator[Need, Any, Mapping[str, LeafResult]]:
    """The best hits of each leg, with their group and nothing else."""
    if not nodes:
        return {}
    leaves = []
    for node in nodes:
        if isinstance(node, Knn):
            node = replace(node, k=window, num_candidates=max(node.num_candidates, window))
        leaves.append(Leaf(node, node, window))
    shape = {"size": window, "track_total_hits": False, "_source": False, **_group_field(group)}
    bodies = [{**leaf_body(leaf.search), **shape} for leaf in leaves]
    reply = yield msearch(plan, bodies)
    return {each.leaf.owner.stage: each for each in checked_leaves(reply, leaves, kind=Rrf.kind)}


def _one_of_each_group(legs: Mapping[str, LeafResult], group: str | None) -> dict[str, Ranking]:
    """The groups that each leg ranks; all legs show that hit of a group which one ranks best."""
    shown: dict[Any, Key] = {}
    for hits in zip_longest(*(leg.hits for leg in legs.values())):
        for hit in filter(None, hits):
            shown.setdefault(_name(hit, group), _key(hit))
    stages = {}
    for name, leg in legs.items():
        first: dict[Key, Ranked] = {}
        for hit, ranked in zip(leg.hits, leg.ranking, strict=True):
            key = shown[_name(hit, group)]
            first.setdefault(key, ranked._replace(key=key))
        stages[name] = list(first.values())
    return stages


def _shown(
    stages: Mapping[str, Ranking], plan: Plan, passport: Passport, group: str | None
) -> Generator[Need, Any, list[Hit]]:
    """The fused products, as they are in the index."""
    keys = [hit.key for hit in stages["rrf"]]
    if not keys:
        return []
    body = {**_document(passport, group), "query": documents_query(keys), "size": len(keys)}
    documents = {_key(hit): hit for hit in checked((yield search(plan, body)))["hits"]["hits"]}
    ranks = {name: _ranks(ranking) for name, ranking in stages.items()}
    return [
        Hit(
            id=key.id,
            rank=rank,
            score=ranks["rrf"][key].score,
            source=documents[key]["_source"],
            stages={name: found[key] for name, found in ranks.items() if key in found},
            group=_group(documents[key], group),
            _passport=passport,
        )
        for rank, key in enumerate((key for key in keys if key in documents), 1)
    ]


def _ranks(ranking: Ranking) -> dict[Key, StageRank]:
    places = zip(ranking, shown_scores(ranking), strict=True)
    return {hit.key: StageRank(rank, score) for rank, (hit, score) in enumerate(places, 1)}


def _document(passport: Passport, group: str | None) -> dict[str, Any]:
    """What a body asks of a product."""
    source = {"excludes": [passport.vector_field, passport.hash_field]}
    return {"_source": source, "track_total_hits": False, **_group_field(group)}


def _group_field(group: str | None) -> dict[str, Any]:
    return {"fields": [group]} if group else {}


def _group(hit: Mapping[str, Any], group: str | None) -> Any:
    return hit.get("fields", {}).get(group, [None])[0]


def _name(hit: Mapping[str, Any], group: str | None) -> Any:
    """What a hit and its variants share; of a product without a group, its key."""
    value = _group(hit, group)
    return _key(hit) if value is None else value


def _key(hit: Mapping[str, Any]) -> Key:
    return Key(hit["_index"], hit["_id"])
