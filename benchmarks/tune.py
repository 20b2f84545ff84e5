"""Whether `eval tune` adopts better settings and never worse ones, and what 200 settings cost.

    python -m benchmarks.tune

Chorus-icecat in six languages, 300 queries of oracle-oe, and the sample catalogue, each from the
default settings and from those of a textbook: both legs weigh the same, any word matches, no
phrases. No reranker. Each of 50 seeded splits leaves out half of the queries; `tune` runs on the
other half, which it splits again. Three ways to decide are compared on the half left out, in
nDCG@10:

- adopted: the best trial, if the interval of its gain on its own held-out part is above 0
- not adopted: the best trial of the other splits, had it been adopted
- naive: the best trial of every split on all queries of the half, without a proof

A loss is a mean gain below 0 on the half left out. Both halves are small samples, so a few losses
by chance are expected of settings that are really better.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import Options, parse_arguments
from es_hybrid.client import connect
from es_hybrid.embedding import open_embedder
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.tuning.scores import TrialScores
from es_hybrid.evaluation.tuning.search import PRESENT, choose, prove
from es_hybrid.evaluation.tuning.split import Group, grouped, split
from es_hybrid.evaluation.tuning.tuner import Tuner, TuningOptions
from es_hybrid.settings import Settings, load_settings
from training.data import CHORUS, cluster, judged_data, load_products

STARTS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "textbook": {"knn_weight": 1.0, "minimum_should_match": "1", "phrase_boost": 0.0},
}
MOST_QUERIES = 300


@dataclass
class Gains:
    """Mean gains on the half left out, one for each split."""

    adopted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)


def judged(folder: Path) -> tuple[list[Query], Qrels]:
    """A seeded sample of the queries of a catalogue in all languages."""
    suffixes = ["", ".i18n"] if folder == CHORUS else [""]
    qrels = {
        id_: grades
        for suffix in suffixes
        for id_, grades in read_qrels(folder / f"qrels{suffix}.txt").items()
    }
    queries = [
        query
        for suffix in suffixes
        for query in answerable(read_queries(folder / f"queries{suffix}.tsv"), qrels)
    ]
    if folder != CHORUS and len(queries) > MOST_QUERIES:
        chosen = np.random.default_rng(1).permutation(len(queries))[:MOST_QUERIES]
        queries = [queries[number] for number in chosen]
    return queries, qrels


def gains(scores: TrialScores, groups: Sequence[Group], splits: int) -> Gains:
    """Tune on one half of each split, and measure on the other."""
    found = Gains()
    for seed in range(1, splits + 1):
        halves = split(groups, held_out=0.5, seed=seed)
        parts = split(halves.tuned, held_out=0.5, seed=seed)
        verdict = prove(scores, choose(scores, parts.tuned), parts.held_out, seed=seed)
        kept = found.adopted if verdict.adopted else found.refused
        kept.append(_gain(scores, verdict.trial, halves.held_out))
        found.naive.append(_gain(scores, choose(scores, halves.tuned), halves.held_out))
    return found


def _gain(scores: TrialScores, trial: int, groups: Sequence[Group]) -> float:
    scores.require({PRESENT, trial}, groups)
    return float(np.mean(scores.of(trial, groups) - scores.of(PRESENT, groups)))


def measure(name: str, folder: Path, start: str, settings: Settings, options: Options) -> None:
    """Print the rows of one catalogue and start."""
    queries, qrels = judged(folder)
    with ExitStack() as opened:
        client = opened.enter_context(closing(connect(settings.elasticsearch)))
        embedder = opened.enter_context(closing(open_embedder(settings.embedding)))
        tuner = Tuner(
            client,
            settings=settings,
            embedder=embedder,
            reranker=None,
            queries=queries,
            qrels=qrels,
            options=TuningOptions(trials=options.trials),
        )
        groups = grouped(queries, qrels)
        scores = TrialScores(tuner.changes, tuner.values_of)
        started = time.perf_counter()
        scores.require(range(len(tuner.changes)), groups)
        spent = time.perf_counter() - started
        print(
            f"{name}, {start}: {len(tuner.changes)} settings x {len(queries)} queries in "
            f"{len(groups)} groups: {spent:.0f} s, {1000 * spent / len(queries):.0f} ms a query, "
            f"{_mebibytes():.0f} MiB; present {np.mean(scores.of(PRESENT, groups)):.3f}",
            flush=True,
        )
        found = gains(scores, groups, options.splits)
    for kind in ("adopted", "refused", "naive"):
        _print_row(kind, getattr(found, kind))
    losses = sum(gain < 0 for gain in found.adopted)
    options.print_ratio(f"tune_{name}_{start}_adopted_losses", losses)


def _print_row(kind: str, values: Sequence[float]) -> None:
    if not values:
        print(f"    {kind:<8} {0:>3} splits")
        return
    losses = sum(value < 0 for value in values)
    print(
        f"    {kind:<8} {len(values):>3} splits, mean gain {np.mean(values):+.4f}, "
        f"worst {min(values):+.4f}, {losses} losses",
        flush=True,
    )


def _mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Load each catalogue once and tune it from both starts."""
    options = parse_arguments(__doc__, elasticsearch=True, trials=(200, 6), splits=(50, 2))
    with cluster(options.url) as url:
        for name, folder in judged_data(smoke=options.smoke).items():
            settings = load_settings(
                flags={
                    "elasticsearch": {"url": url},
                    "index": {"name": f"bench-tune-{name}"},
                    "rerank": {"enabled": False},
                }
            )
            load_products(settings, folder / "products.jsonl")
            for start, search in STARTS.items():
                measure(name, folder, start, settings.with_(search=search), options)


if __name__ == "__main__":
    main()
