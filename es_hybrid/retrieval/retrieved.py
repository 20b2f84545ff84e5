"""What a search brought: Elasticsearch's answer, and how each stage ranked its hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.plan import Key
from es_hybrid.retrieval.response import StageRank

Stages = Mapping[str, Mapping[Key, StageRank]]


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """One search answered.

    Attributes:
        answer: As `_search` answers: `took`, `timed_out`, `_shards`, `hits`, and what else was
            asked for.
        told_stages: Tells `stages`; most answers are read without.
        degraded: What could not be done, e.g. `embedding: cannot be reached`.
        notes: What was left out with reason, e.g. `rerank: the model is for en`.
        reranked: How many hits the reranker scored.
        passport: Of the index, where it was read.
    """

    answer: Mapping[str, Any]
    told_stages: Callable[[], Stages] = dict
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reranked: int = 0
    passport: Passport | None = None

    @cached_property
    def stages(self) -> Stages:
        """Stage -> hit -> rank and score there, of every stage that ran here.

        The second stage of a name is `standard#2`.
        """
        return self.told_stages()

    @property
    def hits(self) -> list[Mapping[str, Any]]:
        """The page's hits as Elasticsearch gives them."""
        hits: list[Mapping[str, Any]] = self.answer["hits"]["hits"]
        return hits

    @property
    def total(self) -> int | None:
        """Documents found, as far as they were counted; None where they were not."""
        total = self.answer["hits"].get("total")
        return None if total is None else int(total["value"])

    def stages_of(self, hit: Mapping[str, Any]) -> dict[str, StageRank]:
        """Stage -> rank and score of one hit; a stage that did not have it is absent."""
        key = key_of(hit)
        return {stage: ranks[key] for stage, ranks in self.stages.items() if key in ranks}


def key_of(hit: Mapping[str, Any]) -> Key:
    """What tells a hit from others."""
    return Key(hit["_index"], hit["_id"])
