"""The ranking of every stage of a search, from as few searches as keep them exact.

`hybrid`, `signals`, `reranked` and `knn` are read from one search: the fused order, the order after
the signals, the page, and everything that its vector leg returned. They equal the lists of separate
searches, without signals, without the reranker and in mode `knn`. `bm25` is a search of its own:
the lexical leg of a hybrid search requires more words of a query than a search without vectors.

How deep reranking pays is computed from the scores of that search. Only hits below
`rerank.window` are scored in addition, outside the measured times.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from es_hybrid.client import connect
from es_hybrid.embedding import open_embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.recorded import CountedEmbedder, Pairs, RecordedReranker
from es_hybrid.reranking import open_reranker
from es_hybrid.retrieval.compile.reranked_text import reader
from es_hybrid.retrieval.execution.fuse import Ranked, interpolated
from es_hybrid.retrieval.plan import Key
from es_hybrid.retrieval.request import Mode
from es_hybrid.retrieval.response import Hit, SearchResponse, StageRank, Stages
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stage = Literal["bm25", "knn", "hybrid", "signals", "reranked"]
STAGES: tuple[Stage, ...] = ("bm25", "knn", "hybrid", "signals", "reranked")


class StageHit(NamedTuple):
    """A hit of a stage; the title is empty if the hit is on no page that was read."""

    id: str
    score: float
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAnswers:
    """What the stages answer to one query.

    Attributes:
        rankings: Stage -> its hits, best first.
        timings: Mode of a search -> part of it -> milliseconds, see `SearchResponse.timings`.
        reranked_at: Rerank depth -> ids, best first; empty if the search was not reranked.
        characters: Characters that were embedded.
        pairs: Pairs that the search reranked.
        more_pairs: Pairs scored in addition, for depths beyond `rerank.window`.
    """

    rankings: Mapping[Stage, Sequence[StageHit]]
    timings: Mapping[Mode, Mapping[str, float]]
    reranked_at: Mapping[int, Sequence[str]] = field(default_factory=dict)
    characters: int = 0
    pairs: int = 0
    more_pairs: int = 0


class StageSearch:
    """Asks a search for the answers of its stages.

    Args:
        search: Made with these parts and these settings.
        stages: The stages to ask for; `reranked` needs a reranker.
        size: Hits of each stage, 1 to 1000.
        depths: Rerank depths to compute, if `reranked` and the stage before it are stages.
    """

    def __init__(
        self,
        search: HybridSearch,
        embedder: CountedEmbedder,
        reranker: RecordedReranker | None,
        settings: Settings,
        *,
        stages: Sequence[Stage],
        size: int,
        depths: Sequence[int],
    ) -> None:
        self.stages = stages
        self._search = search
        self._embedder = embedder
        self._reranker = reranker
        self._weight = settings.rerank.weight or (reranker.weight if reranker else 1.0)
        self._size = size
        before: Stage = "signals" if settings.search.signals else "hybrid"
        self._depths = sorted(depths) if {before, "reranked"} <= {*stages} else []

    def ask(self, query: Query) -> StageAnswers:
        """Search for a query.

        Raises:
            EvaluationError: a search was degraded, so its figures would describe another system.
            EsHybridError: as in `HybridSearch.search`.
        """
        self._embedder.characters = 0
        rankings: dict[Stage, Sequence[StageHit]] = {}
        timings: dict[Mode, Mapping[str, float]] = {}
        figures: dict[str, Any] = {}
        fused = bool({"hybrid", "signals", "reranked"} & {*self.stages})
        if "bm25" in self.stages:
            response, _ = self._one(query, "bm25")
            rankings["bm25"], timings["bm25"] = _page(response), response.timings
        if "knn" in self.stages and not fused:
            response, _ = self._one(query, "knn")
            rankings["knn"], timings["knn"] = _page(response), response.timings
        if fused:
            response, stages = self._one(query, "hybrid")
            rankings |= _stage_rankings(response, stages, "reranked" in self.stages)
            timings["hybrid"] = response.timings
            figures = self._at_depths(rankings["signals"], response)
        return StageAnswers(
            # A stage ranks its whole window, of which a page may be a part.
            rankings={stage: rankings[stage][: self._size] for stage in self.stages},
            timings=timings,
            characters=self._embedder.characters,
            **figures,
        )

    def _one(self, query: Query, mode: Mode) -> tuple[SearchResponse, Stages]:
        if self._reranker is not None:
            self._reranker.scored = None
        # No deadline: measure the order, not the speed of the machine.
        response, stages = self._search.search_in_stages(
            query.text,
            mode=mode,
            rerank=mode == "hybrid" and "reranked" in self.stages,
            size=self._size,
            timeout_ms=0,
        )
        refuse_degraded(response, query)
        return response, stages

    def _at_depths(self, fused: Sequence[StageHit], response: SearchResponse) -> dict[str, Any]:
        """The order at each rerank depth, and the number of pairs scored for it."""
        scored = self._reranker.scored if self._reranker else None
        if not (self._depths and fused and scored):
            return {"pairs": response.reranked}
        by_id = {hit.id: hit for hit in response.hits}
        missing = [by_id[hit.id] for hit in fused[len(scored.scores) : self._depths[-1]]]
        scores = np.concatenate([scored.scores, self._scores(scored, missing)])
        order = {
            depth: _reranked(fused, scores[:depth], weight=self._weight) for depth in self._depths
        }
        return {"pairs": response.reranked, "reranked_at": order, "more_pairs": len(missing)}

    def _scores(self, scored: Pairs, hits: Sequence[Hit]) -> NDArray[np.float32]:
        if not hits:
            return np.empty(0, np.float32)
        assert self._reranker is not None
        assert hits[0]._passport is not None
        read = reader(hits[0]._passport)
        texts = [read(hit.id, hit.source).text for hit in hits]
        return self._reranker.inner.score(scored.query, texts, scored.instruction)


@contextlib.contextmanager
def open_stages(
    settings: Settings, *, stages: Sequence[Stage] = (), size: int, depths: Sequence[int] = ()
) -> Iterator[StageSearch]:
    """A search of the configured index by stages, closed after the block.

    Args:
        stages: As in `StageSearch`; by default all that the settings allow.

    Raises:
        EvaluationError: `reranked` is asked for, and no reranker is configured.
        EsHybridError: a part is unavailable.
    """
    with ExitStack() as opened:
        embedder = CountedEmbedder(opened.enter_context(closing(open_embedder(settings.embedding))))
        reranker = _recorded(settings, opened, stages)
        client = opened.enter_context(closing(connect(settings.elasticsearch)))
        search = HybridSearch(
            client,
            index=settings.index.name,
            embedder=embedder,
            reranker=reranker,
            settings=settings,
        )
        left_out = {
            None if settings.search.signals else "signals",
            None if reranker else "reranked",
        }
        yield StageSearch(
            opened.enter_context(search),
            embedder,
            reranker,
            settings,
            stages=stages or tuple(stage for stage in STAGES if stage not in left_out),
            size=size,
            depths=depths,
        )


def _recorded(
    settings: Settings, opened: ExitStack, stages: Sequence[Stage]
) -> RecordedReranker | None:
    reranker = open_reranker(settings.rerank) if not stages or "reranked" in stages else None
    if reranker is not None:
        return RecordedReranker(opened.enter_context(closing(reranker)))
    if "reranked" in stages:
        raise EvaluationError(
            "no reranker is configured",
            place="stage reranked",
            remedy="enable one in the settings, or measure other stages",
        )
    return None


def before_reranking(stages: Collection[Stage]) -> Stage:
    """The stage that is reranked."""
    return "signals" if "signals" in stages else "hybrid"


def compared(stages: Collection[Stage]) -> list[tuple[Stage, Stage]]:
    """Pairs of these stages: each with the ones before it."""
    pairs: tuple[tuple[Stage, Stage], ...] = (
        ("bm25", "hybrid"), ("knn", "hybrid"), ("hybrid", "signals"),
        (before_reranking(stages), "reranked"),
    )  # fmt: skip
    return [pair for pair in pairs if {*pair} <= {*stages}]


def refuse_degraded(response: SearchResponse, query: Query) -> None:
    """Refuse an answer without a part that failed.

    Raises:
        EvaluationError: it is one.
    """
    if response.degraded:
        raise EvaluationError(
            "the search was degraded: " + "; ".join(response.degraded),
            place=f"query {query.id}",
            remedy="repair that part and measure again",
        )


def run_of(ids: Iterable[str]) -> dict[str, float]:
    """Document id -> 1 / rank: the order that a shopper sees is what is measured."""
    return {id_: 1 / rank for rank, id_ in enumerate(ids, 1)}


def _stage_rankings(
    response: SearchResponse, stages: Stages, reranked: bool
) -> dict[Stage, Sequence[StageHit]]:
    """The stages that one hybrid search shows; if it found nothing, its vector leg still did.

    The last stage is the page: what its hits were spread or moved by counts there.
    """
    titles = {hit.id: hit.product.title for hit in response.hits}
    page = _page(response)
    fused, moved = stages["rrf"], stages.get("signals", stages["rrf"])
    hybrid, signals = _ranking(fused, titles), _ranking(moved, titles)
    if not reranked:  # the page is that of the last stage
        hybrid, signals = (hybrid if "signals" in stages else page), page
    if response.zero_results:
        hybrid, signals = [], []
    return {
        "knn": _ranking(stages["knn"], titles),
        "hybrid": hybrid,
        "signals": signals,
        "reranked": page,
    }


def _page(response: SearchResponse) -> list[StageHit]:
    return [StageHit(hit.id, hit.score, hit.product.title) for hit in response.hits]


def _ranking(ranks: Mapping[Key, StageRank], titles: Mapping[str, str]) -> list[StageHit]:
    """The hits of one stage, best first; a stage reports them in their order."""
    return [StageHit(key.id, rank.score, titles.get(key.id, "")) for key, rank in ranks.items()]


def _reranked(
    fused: Sequence[StageHit], scores: NDArray[np.float32], *, weight: float
) -> list[str]:
    """The order after reranking as many of the best hits as there are scores."""
    place = (0, 0)
    top = [Ranked(Key("", hit.id), float(np.float32(hit.score)), place) for hit in fused][
        : len(scores)
    ]
    scored = [hit._replace(score=float(score)) for hit, score in zip(top, scores, strict=True)]
    scored = sorted(interpolated(scored, top, weight=weight), key=lambda hit: -hit.score)
    return [hit.key.id for hit in scored] + [hit.id for hit in fused[len(scores) :]]
