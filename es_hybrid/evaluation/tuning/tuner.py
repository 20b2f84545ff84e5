"""One run of tuning, from judged queries to a verdict and its evidence."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.client import server_version
from es_hybrid.embedding import Embedder
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.measures import NDCG, measure_lists
from es_hybrid.evaluation.tuning.evidence import evidence
from es_hybrid.evaluation.tuning.journal import TuningJournal
from es_hybrid.evaluation.tuning.live import LiveCheck
from es_hybrid.evaluation.tuning.offline import OfflineSearch
from es_hybrid.evaluation.tuning.scored_once import heeds_instructions
from es_hybrid.evaluation.tuning.scores import TrialScores
from es_hybrid.evaluation.tuning.search import Verdict, choose, prove, work
from es_hybrid.evaluation.tuning.space import SettingsChange, applied, draw, space_of
from es_hybrid.evaluation.tuning.split import QuerySplit, grouped, split
from es_hybrid.index.lifecycle import open_index
from es_hybrid.reranking import Reranker
from es_hybrid.settings import Settings

(MEASURE,) = NDCG
# Trials and queries of each comparison with the live search.
_CHECKED_TRIALS, _CHECKED_QUERIES = 4, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOptions:
    """How to tune.

    Attributes:
        trials: Number of settings to try, the present ones included.
        held_out: Share of the queries that tell the gain, in (0, 1).
    """

    trials: int = 200
    held_out: float = 0.5
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """The end of a run.

    Attributes:
        change: The settings to change; empty if nothing is adopted.
        evidence: All that led to it, as JSON.
    """

    verdict: Verdict
    change: SettingsChange
    evidence: Mapping[str, Any]


class Tuner:
    """Tunes the search of one index. The caller closes client, embedder and reranker."""

    def __init__(
        self,
        client: Elasticsearch,
        *,
        settings: Settings,
        embedder: Embedder,
        reranker: Reranker | None,
        queries: Sequence[Query],
        qrels: Qrels,
        options: TuningOptions,
    ) -> None:
        """Split the queries and draw the trials.

        Args:
            queries: Each has a relevant product in `qrels`.

        Raises:
            EvaluationError: there are too few queries.
            EsHybridError: the index or the reranker fails.
        """
        self._client = client
        self._settings = settings
        self._qrels = qrels
        self._options = options
        self._offline = OfflineSearch(
            client, settings=settings, embedder=embedder, reranker=reranker
        )
        self._live = LiveCheck(
            client=client,
            settings=settings,
            embedder=embedder,
            reranker=reranker,
            offline=self._offline,
        )
        self._passport = open_index(
            client, settings.index.name, vector_field=settings.index.vector_field
        )
        groups = grouped(queries, qrels)
        self.parts: QuerySplit = split(groups, held_out=options.held_out, seed=options.seed)
        space = space_of(
            settings,
            reranks=reranker is not None,
            instructed=reranker is not None and heeds_instructions(reranker),
        )
        self.changes = draw(space, settings, trials=options.trials, seed=options.seed)

    @property
    def work(self) -> int:
        """About how many values `run` measures."""
        return work(len(self.changes), self.parts)

    def run(self, journal: Path, *, done: Callable[[int], None] = lambda count: None) -> Tuned:
        """Choose on one part of the queries, and prove the gain on the other.

        Args:
            journal: File that a killed run continues from; removed at the end.
            done: Called with the number of values measured, of `work`.

        Raises:
            EvaluationError: the journal belongs to another run, a search was degraded, or the
                offline order is not that of the live search.
            EsHybridError: as in `HybridSearch.search`.
        """
        first = [group[0] for group in self.parts.held_out[:_CHECKED_QUERIES]]
        with TuningJournal(journal, self._fingerprint()) as kept:
            checked = self._live.compare(self.changes[:_CHECKED_TRIALS], first)
            scores = TrialScores(self.changes, self.values_of, journal=kept, done=done)
            trial = choose(scores, self.parts.tuned)
            verdict = prove(scores, trial, self.parts.held_out, seed=self._options.seed)
            last = [group[0] for group in self.parts.held_out[-_CHECKED_QUERIES:]]
            checked += self._live.compare([scores.changes[trial]], last)
            found = self._tuned(verdict, scores, checked)
            kept.remove()
        return found

    def values_of(self, query: Query, changes: Sequence[SettingsChange]) -> list[float]:
        """The value of `MEASURE` of many changes on one query. Safe for threads."""
        settings = [applied(self._settings, change) for change in changes]
        hits = self._offline.first_hits(query.text, settings)
        return measure_lists(hits, self._qrels[query.id], NDCG)[MEASURE]

    def _tuned(self, verdict: Verdict, scores: TrialScores, checked: int) -> Tuned:
        return Tuned(
            verdict=verdict,
            change=scores.changes[verdict.trial] if verdict.adopted else {},
            evidence={
                **evidence(verdict, scores, self.parts, measure=MEASURE),
                "leaves_asked": self._offline.asked,
                "pairs_reranked": self._offline.pairs,
                "compared_with_live_search": checked,
                "run": self._fingerprint(),
            },
        )

    def _fingerprint(self) -> dict[str, Any]:
        """All that the values depend on."""
        judged = [
            (query.id, query.text, query.lang, sorted(self._qrels[query.id].items()))
            for part in (self.parts.tuned, self.parts.held_out)
            for group in part
            for query in group
        ]
        settings = {
            name: section.model_dump(mode="json")
            for name, section in (
                ("search", self._settings.search),
                ("rerank", self._settings.rerank),
            )
        }
        return {
            "queries": _digest(judged),
            "settings": _digest(settings),
            "indices": _indices(self._client, self._settings.index.name),
            "trials": len(self.changes),
            "held_out": self._options.held_out,
            "seed": self._options.seed,
            "model": self._passport.model,
            "versions": {
                "es-hybrid": version("es-hybrid"),
                "elasticsearch": ".".join(map(str, server_version(self._client))),
                "ir-measures": version("ir-measures"),
                "python": platform.python_version(),
            },
        }


def _indices(client: Elasticsearch, name: str) -> list[str]:
    """The unique ids of the indices that a name stands for."""
    found = client.indices.get_settings(index=name, name="index.uuid")
    return sorted(each["settings"]["index"]["uuid"] for each in found.values())


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
