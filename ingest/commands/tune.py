"""`es-hybrid ingest tune`: find the best batch size and concurrency of the embedding server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._sources import format_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from es_hybrid.embedding import EmbedderIdentity
    from es_hybrid.settings import Settings
    from ingest.load.tuning import BatchChoice, Measurement
    from ingest.sources import Format, Row

_BATCH_SIZES = (1, 8, 16, 32, 64, 128)
_CONCURRENCIES = (1, 2, 4, 8)
_ALL_HAD_ERRORS = 1


def _listed(numbers: tuple[int, ...]) -> str:
    return "Value to try. Repeatable.  [default: " + ", ".join(map(str, numbers)) + "]"


@click.command(epilog="Exit status: 0 a setting is proposed, 1 all had errors, 2 error.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@format_option
@click.option(
    "--batch-size", "batch_sizes", type=click.IntRange(1, 2048), multiple=True, metavar="N",
    help=_listed(_BATCH_SIZES),
)  # fmt: skip
@click.option(
    "--concurrency", "concurrencies", type=click.IntRange(1, 64), multiple=True, metavar="N",
    help=_listed(_CONCURRENCIES),
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True,
    help="Duration of each of three rounds per setting.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
@click.pass_context
def tune(
    ctx: click.Context,
    files: tuple[str, ...],
    *,
    file_format: Format | None,
    batch_sizes: tuple[int, ...],
    concurrencies: tuple[int, ...],
    seconds: float,
    as_json: bool,
    settings: Settings,
) -> None:
    """Measure batch sizes and concurrencies of the embedding server with the texts of FILEs.

    Without FILEs, uses the sample catalogue. Shows request latencies and texts per second, and
    proposes the smallest setting within 5 % of the best as a section of es-hybrid.toml. Always
    includes the current setting. Stores nothing.
    """
    from contextlib import closing

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.embedding import open_embedder
    from ingest.load.tuning import ROUNDS, choose, grid, sample_texts
    from ingest.load.tuning import tune as measured_all

    now = settings.embedding
    tried = grid(
        {*(batch_sizes or _BATCH_SIZES), now.batch_size},
        {*(concurrencies or _CONCURRENCIES), now.concurrency},
    )
    rows = _rows(settings, files, file_format)
    texts = sample_texts(rows, settings, place=", ".join(files) or "the sample catalogue")
    source = ", ".join(files) or "the sample catalogue"
    click.echo(f"{len(texts):,} texts of {source}; {len(tried)} settings, "
               f"at least {len(tried) * ROUNDS * seconds:,.0f} s", err=True)  # fmt: skip
    # One request per call and no retries: failures are what is measured.
    once = {
        "batch_size": max(setting.batch_size for setting in tried),
        "concurrency": max(setting.concurrency for setting in tried),
        "max_retries": 0,
    }
    with (
        closing(open_embedder(now.model_copy(update=once))) as embedder,
        Progress(transient=True, disable=not console().is_terminal) as progress,
    ):
        task = progress.add_task("measuring", total=len(tried) * (ROUNDS + 1))
        measured = measured_all(
            embedder, texts, tried, seconds=seconds, done=lambda: progress.advance(task)
        )
        identity = embedder.identity
    choice = choose(measured)
    if as_json:
        click.echo(_json(identity, texts, measured, choice))
    else:
        console().print(_table(measured, choice))
        click.echo(_proposal(choice, configurable=now.base_url is not None))
    if choice is None:
        ctx.exit(_ALL_HAD_ERRORS)


def _rows(settings: Settings, files: Sequence[str], file_format: Format | None) -> Iterator[Row]:
    """Rows of the files, or of the sample catalogue."""
    from importlib import resources

    from ingest.sources import find_sources, open_rows

    if files:
        for path, its_format in find_sources(files, file_format):
            rows = open_rows(path, its_format, settings=settings)
            yield from (row for row in rows if not row.skipped)
        return
    with resources.as_file(resources.files("es_hybrid.data") / "products.jsonl") as catalogue:
        yield from open_rows(str(catalogue), "jsonl")


def _table(measured: Sequence[Measurement], choice: BatchChoice | None) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("batch", "concurrency", "texts/s", "p50 ms", "p95 ms", "requests", "errors"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in measured:
        chosen = choice is not None and choice.measurement is one
        table.add_row(
            str(one.setting.batch_size),
            str(one.setting.concurrency),
            f"{one.texts_per_second:,.0f}",
            *(f"{spent:,.1f}" if one.requests else "-" for spent in (one.p50_ms, one.p95_ms)),
            f"{one.requests:,}",
            str(one.errors or ""),
            Text("chosen" if chosen else one.reason[:80]),
            style="green" if chosen else "",
        )
    return table


def _proposal(choice: BatchChoice | None, *, configurable: bool) -> str:
    if choice is None:
        return "Every setting had errors; try smaller ones."
    if not configurable:
        return (
            f"{choice.reason}\n\nThe embedded encoder ignores these settings: it embeds 64 texts "
            "at once in one thread.\nTo use a server, set embedding.base_url."
        )
    setting = choice.measurement.setting
    return (
        f"{choice.reason}\n\n[embedding]\nbatch_size = {setting.batch_size}\n"
        f"concurrency = {setting.concurrency}"
    )


def _json(
    identity: EmbedderIdentity,
    texts: Sequence[str],
    measured: Sequence[Measurement],
    choice: BatchChoice | None,
) -> str:
    import dataclasses
    import json
    import statistics

    def flat(one: Measurement) -> dict[str, object]:
        figures = dataclasses.asdict(one)
        setting: dict[str, object] = figures.pop("setting")
        # JSON has no NaN.
        return setting | {
            name: None if value != value else value for name, value in figures.items()
        }

    return json.dumps(
        {
            "model": identity.model,
            "dims": identity.dims,
            "texts": len(texts),
            "mean_characters": statistics.fmean(map(len, texts)),
            "measurements": [flat(one) for one in measured],
            "choice": choice and {**flat(choice.measurement), "because": choice.reason},
        },
        ensure_ascii=False,
        indent=2,
    )
