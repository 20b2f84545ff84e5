"""`es-hybrid eval tune`: search for better settings, and prove the gain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, embedding, settings_options

if TYPE_CHECKING:
    from es_hybrid.evaluation.tuning.tuner import Tuned, Tuner
    from es_hybrid.settings import Settings

_NOT_ADOPTED = 1


@click.command(epilog="Exit status: 0 better settings are written, 1 none are better, 2 error.")
@click.argument("queries", type=click.Path(path_type=Path))
@click.argument("qrels", type=click.Path(path_type=Path))
@click.option(
    "--trials", type=click.IntRange(2, 10_000), default=200, show_default=True, metavar="N",
    help="Settings to try, the present ones included.",
)  # fmt: skip
@click.option(
    "--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.5,
    show_default=True, metavar="SHARE", help="Share of the queries that prove the gain.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Seed of the draws and of the split."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), show_default=True,
    default=Path("es-hybrid-tune.toml"),
    help="File for the settings to change; the evidence is next to it, as .json.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the evidence as JSON.")
@settings_options
@click.pass_context
def tune(
    ctx: click.Context,
    queries: Path,
    qrels: Path,
    *,
    trials: int,
    held_out: float,
    seed: int,
    out: Path,
    as_json: bool,
    settings: Settings,
) -> None:
    """Search for settings that rank judged queries better, and prove it on other queries.

    Tries the weights and the rank constant of the fusion, windows, num_candidates, field boosts,
    minimum_should_match, the boost of phrases, and the reranker's window, weight and instruction.
    Chooses on one part of the queries by nDCG@10. Writes the chosen settings only if they are
    better on the other part with 99 % confidence. QUERIES is a TSV of id, text and language; QRELS
    has judgements in TREC format. A killed run continues where it was.
    """
    from contextlib import ExitStack, closing

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.evaluation.judgements import read_judged
    from es_hybrid.evaluation.tuning.tuner import Tuner, TuningOptions
    from es_hybrid.reranking import open_reranker

    _refuse_existing(out)
    judged, grades = read_judged(queries, qrels)
    with ExitStack() as opened:
        client = opened.enter_context(connected(settings))
        embedder = opened.enter_context(embedding(settings))
        reranker = open_reranker(settings.rerank)
        if reranker is not None:
            opened.enter_context(closing(reranker))
        options = TuningOptions(trials=trials, held_out=held_out, seed=seed)
        tuner = Tuner(
            client, settings=settings, embedder=embedder, reranker=reranker, queries=judged,
            qrels=grades, options=options,
        )  # fmt: skip
        click.echo(_announcement(tuner), err=True)
        progress = opened.enter_context(Progress(transient=True, disable=not console().is_terminal))
        task = progress.add_task("tuning", total=tuner.work)
        tuned = tuner.run(
            out.with_suffix(".journal"), done=lambda count: progress.advance(task, count)
        )
    text = _evidence_text(tuned)
    out.with_suffix(".json").write_text(text, encoding="utf-8")
    if tuned.change:
        out.write_text(_toml(tuned, out), encoding="utf-8")
    click.echo(text if as_json else _report(tuned, out))
    if not tuned.change:
        ctx.exit(_NOT_ADOPTED)


def _refuse_existing(out: Path) -> None:
    """A file of earlier settings must not pass for the result of this run, nor be overwritten."""
    from es_hybrid.errors import EvaluationError

    if out.exists() or out.suffix in (".json", ".journal"):
        raise EvaluationError(
            "the file exists" if out.exists() else "not a name for settings",
            place=f"--out {out}",
            remedy="remove it, or choose another name that ends with .toml",
        )


def _announcement(tuner: Tuner) -> str:
    tuned, held_out = (sum(map(len, part)) for part in (tuner.parts.tuned, tuner.parts.held_out))
    return (
        f"{len(tuner.changes)} settings; {tuned} queries to tune on, {held_out} to prove the gain; "
        f"about {tuner.work:,} searches"
    )


def _evidence_text(tuned: Tuned) -> str:
    import json

    return json.dumps(tuned.evidence, ensure_ascii=False, indent=1)


def _toml(tuned: Tuned, out: Path) -> str:
    from es_hybrid.evaluation.tuning.evidence import toml

    return f"# {_gain(tuned)}\n# Evidence: {out.with_suffix('.json').name}\n\n{toml(tuned.change)}"


def _gain(tuned: Tuned) -> str:
    verdict, evidence = tuned.verdict, tuned.evidence
    held_out = evidence["held_out"]
    low, high = verdict.interval
    return (
        f"{evidence['measure']} {verdict.before:.3f} -> {verdict.after:.3f} ({verdict.gain:+.3f}, "
        f"{evidence['confidence']:.0%} interval {low:+.3f} to {high:+.3f}, p {verdict.p:.4f}) on "
        f"{len(held_out['queries'])} queries that were not tuned on"
    )


def _report(tuned: Tuned, out: Path) -> str:
    """What was found, as text."""
    from es_hybrid.evaluation.tuning.evidence import toml
    from es_hybrid.evaluation.tuning.search import PRESENT

    evidence = f"evidence: {out.with_suffix('.json')}"
    if tuned.change:
        return f"{_gain(tuned)}\n\n{toml(tuned.change)}\nsettings: {out}\n{evidence}"
    if tuned.verdict.trial == PRESENT:
        return f"Nothing to change: no setting is better on the queries tuned on.\n{evidence}"
    return (
        f"Nothing to change: the best setting is not better for certain.\n{_gain(tuned)}\n"
        f"{evidence}"
    )
