"""Memory and time of an evaluation of many queries with long lists.

    python -m benchmarks.evaluate

Four made rankings for each query, four stages of a search with 1,000 hits each, are measured,
summarized and written as a report; then two snapshots of the last one are compared. Nothing is
searched: the answers are made here, so the figures are those of the evaluation alone. The peak is
the resident memory of the process, with the judgements of all queries in it.
"""

from __future__ import annotations

import contextlib
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.command import parse_arguments
from es_hybrid.evaluation.answers import Snapshot, write_snapshot
from es_hybrid.evaluation.collector import Collector
from es_hybrid.evaluation.comparison import compare
from es_hybrid.evaluation.judgements import Qrels, Query, judged_queries, read_qrels, read_queries
from es_hybrid.evaluation.report import write_report
from es_hybrid.evaluation.runs import run_files
from es_hybrid.evaluation.stages import STAGES, StageAnswers, StageHit
from es_hybrid.evaluation.summary import summarize

# MiB that 10,000 queries with 1,000 hits may need.
LIMIT = 500
PRODUCTS = 100_000
JUDGED = 40


class MadeAnswers:
    """Random hits, the same ones each time a query is asked."""

    def __init__(self, hits: int, seed: int) -> None:
        self._hits = hits
        self._seed = seed

    def answer(self, query: Query) -> Sequence[StageHit]:
        """See `AnswerSource`."""
        chance = random.Random(f"{query.id} {self._seed}")
        chosen = chance.sample(range(PRODUCTS), self._hits)
        return [
            StageHit(f"p{id_}", 1 / rank, f"product {id_}") for rank, id_ in enumerate(chosen, 1)
        ]


def make_files(folder: Path, count: int) -> tuple[Path, Path]:
    """Write the queries and their judgements."""
    chance = random.Random(1)
    queries, qrels = folder / "queries.tsv", folder / "qrels.txt"
    with queries.open("w") as asked, qrels.open("w") as judged:
        for number in range(count):
            asked.write(f"q{number}\tquery {number}\ten\n")
            for grade, id_ in enumerate(chance.sample(range(PRODUCTS), JUDGED)):
                judged.write(f"q{number} 0 p{id_} {grade % 4}\n")
    return queries, qrels


def evaluate(folder: Path, queries: Sequence[Query], qrels: Qrels, hits: int) -> None:
    """What `eval run` does after each search."""
    sources = {stage: MadeAnswers(hits, seed) for seed, stage in enumerate(STAGES)}
    collector = Collector(qrels, STAGES, size=hits)
    with run_files(folder / "runs", STAGES) as write:
        for query in queries:
            rankings = {stage: source.answer(query) for stage, source in sources.items()}
            depths = {depth: [hit.id for hit in rankings["hybrid"]] for depth in range(5, 101, 5)}
            timings = {"bm25": {"total": 5.0}, "hybrid": {"total": 9.0}}
            answers = StageAnswers(rankings=rankings, timings=timings, reranked_at=depths)  # type: ignore[arg-type]
            collector.add(query, answers)
            write(query, rankings)
    measured = collector.result()
    write_report(folder / "report.html", measured, summarize(measured), title="made answers")


def compare_snapshots(folder: Path, queries: Sequence[Query], qrels: Qrels, hits: int) -> None:
    """What `eval snapshot` and `eval compare` do."""
    paths = [folder / f"{name}.jsonl" for name in "ab"]
    for seed, path in enumerate(paths):
        write_snapshot(path, MadeAnswers(hits, seed), queries)
    with contextlib.ExitStack() as opened:
        one, other = (opened.enter_context(contextlib.closing(Snapshot(path))) for path in paths)
        compare(one, other, queries, qrels=qrels, worst=5)


@contextlib.contextmanager
def timed(name: str) -> Iterator[None]:
    """Print how long the block took, and the peak of memory so far."""
    started = time.monotonic()
    yield
    print(f"{name:<28}{time.monotonic() - started:>8.1f} s  peak {peak():>6.0f} MiB", flush=True)


def peak() -> float:
    """Peak resident memory of this process in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


def main() -> None:
    """Evaluate and compare made answers."""
    options = parse_arguments(__doc__, queries=(10_000, 60), hits=(1000, 100))
    count, hits = int(options.queries), int(options.hits)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_files(folder, count)
        with timed("reading the judgements"):
            qrels = read_qrels(paths[1])
            queries = judged_queries(read_queries(paths[0]), qrels, place=str(paths[1]))
        with timed(f"{len(STAGES)} stages, report, runs"):
            evaluate(folder, queries, qrels, hits)
        with timed("two snapshots, compared"):
            compare_snapshots(folder, queries, qrels, hits)
    options.print_ratio("evaluate_peak_of_limit", peak() / LIMIT)


if __name__ == "__main__":
    main()
