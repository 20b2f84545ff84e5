"""Run queries through a search, and write runs in TREC's format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import Stage, StageHit, refuse_degraded
from es_hybrid.files import writable
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch

# Enough for Recall@100.
DEPTH = 100

# Writes the hits of one query, by stage.
WriteRun = Callable[[Query, Mapping[Stage, Sequence[StageHit]]], None]


def run_queries(
    search: HybridSearch,
    queries: Iterable[Query],
    *,
    mode: Mode,
    rerank: bool = True,
    done: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, float]]:
    """Query id -> document id -> score for the first `DEPTH` hits.

    The score is 1 / rank: the order that a shopper sees is what is measured.

    Args:
        rerank: Whether to use the configured reranker.
        done: Called after each query.

    Raises:
        EvaluationError: a search was degraded, so its figures would describe another system.
    """
    run: dict[str, dict[str, float]] = {}
    for query in queries:
        # No deadline: measure the order, not the speed of the machine.
        response = search.search(query.text, mode=mode, rerank=rerank, size=DEPTH, timeout_ms=0)
        refuse_degraded(response, query)
        run[query.id] = {hit.id: 1 / hit.rank for hit in response.hits}
        done()
    return run


@contextmanager
def run_files(folder: Path, stages: Iterable[Stage]) -> Iterator[WriteRun]:
    """Files `<stage>.trec` in a folder, for `trec_eval` and the like.

    The score written is 1 / rank, since those tools sort by score, and the scores of one page may
    come from several stages.

    Raises:
        StorageError: the folder cannot be written.
    """
    with ExitStack() as opened:
        with writable(folder, remedy="choose another"):
            folder.mkdir(parents=True, exist_ok=True)
            files = {
                stage: opened.enter_context((folder / f"{stage}.trec").open("w", encoding="utf-8"))
                for stage in stages
            }

        def write(query: Query, rankings: Mapping[Stage, Sequence[StageHit]]) -> None:
            for stage, hits in rankings.items():
                _write(files[stage], stage, query, hits)

        yield write


def _write(file: TextIO, stage: Stage, query: Query, hits: Sequence[StageHit]) -> None:
    for rank, hit in enumerate(hits, 1):
        for text in (query.id, hit.id):
            if len(text.split()) != 1:
                raise EvaluationError(
                    f"the id {text!r} has white space, which separates the columns of a run",
                    place=f"query {query.id}",
                    remedy="measure without run files",
                )
        file.write(f"{query.id} Q0 {hit.id} {rank} {1 / rank:.9g} es-hybrid-{stage}\n")
