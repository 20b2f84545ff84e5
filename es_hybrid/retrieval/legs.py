"""Reading what the legs answered: ranks, totals and facets of their union."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from es_hybrid.errors import ElasticsearchError
from es_hybrid.retrieval.bodies import BEYOND, IDENTIFIER
from es_hybrid.retrieval.response import StageRank


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg's answer to its body: `{"hits": …, "aggregations": …}`."""

    name: str
    answer: Mapping[str, Any]

    @property
    def hits(self) -> list[dict[str, Any]]:
        """Elasticsearch's hits, best first."""
        hits: list[dict[str, Any]] = self.answer["hits"]["hits"]
        return hits

    def ranking(self) -> list[str]:
        """Ids, best first."""
        return [hit["_id"] for hit in self.hits]

    def stage_ranks(self) -> dict[str, StageRank]:
        """Id -> rank and score in this leg."""
        return {hit["_id"]: StageRank(rank, hit["_score"]) for rank, hit in enumerate(self.hits, 1)}


def answers_by_leg(
    names: Sequence[str], answers: Sequence[Mapping[str, Any]], *, place: str
) -> dict[str, Mapping[str, Any]]:
    """The answers of one `_msearch` by leg.

    Raises:
        ElasticsearchError: a leg failed; a page from the other alone would be silently worse.
    """
    for name, answer in zip(names, answers, strict=True):
        if "error" in answer:
            causes = answer["error"].get("root_cause") or [answer["error"]]
            raise ElasticsearchError(
                f"the {name} leg failed with {answer.get('status')}: {causes[0].get('reason')}",
                place=place,
                remedy="check the filters and facets against the mapping "
                "(`es-hybrid index describe`)",
            )
    return dict(zip(names, answers, strict=True))


def identified(legs: Iterable[Leg]) -> list[str]:
    """Ids of the hits whose SKU or GTIN is the whole query, in the lexical leg's order."""
    return [
        hit["_id"]
        for leg in legs
        for hit in leg.hits
        if IDENTIFIER in hit.get("matched_queries", ())
    ]


def union_total(legs: Sequence[Leg]) -> int:
    """Products matched by any leg: the first leg's total and what the vector leg has beyond it."""
    first, *others = legs
    if not others:
        return int(first.answer["hits"]["total"]["value"])
    beyond = sum(leg.answer["aggregations"][BEYOND]["doc_count"] for leg in others)
    return int(first.answer["hits"]["total"]["value"] + beyond)


def union_facets(legs: Sequence[Leg], fields: Sequence[str]) -> dict[str, dict[str, int]]:
    """Field -> value -> count over the legs' union, the most frequent first."""
    return {field: _merged(legs, field) for field in fields}


def _merged(legs: Sequence[Leg], field: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for leg in legs:
        counted = leg.answer["aggregations"]
        for bucket in counted.get(BEYOND, counted)[field]["buckets"]:
            counts[bucket["key"]] = counts.get(bucket["key"], 0) + bucket["doc_count"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))))
