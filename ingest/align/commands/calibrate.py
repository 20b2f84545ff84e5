"""`es-hybrid align calibrate`: compare the scores of a run with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.align.commands._options import align_options

if TYPE_CHECKING:
    from es_hybrid.align.calibration import Calibration
    from es_hybrid.settings import Settings


@click.command()
@click.option(
    "--truth",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="TSV or CSV: id, group; or left, right, same; or one group per row.",
)
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.98,
    show_default=True,
    help="Target precision of merged pairs.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the curves to a PNG file.",
)
@click.option(
    "--fit",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Fit weights for this data and encoder, and write them to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@align_options
def calibrate(
    truth: Path,
    precision: float,
    plot: Path | None,
    fit: Path | None,
    as_json: bool,
    settings: Settings,
) -> None:
    """Show precision, recall and F1 of the last run by threshold, with 95 % intervals.

    Measures the scores only, without people's decisions. Right pairs that were never candidates
    reduce recall.
    """
    import dataclasses

    import orjson

    from es_hybrid.align.calibration import calibrate as measure
    from es_hybrid.align.calibration import judged_pairs
    from es_hybrid.align.journal import Journal
    from es_hybrid.align.truth import read_truth

    known = read_truth(truth)
    journal = Journal(settings.align.store)
    slots = {
        id_: "" if settings.align.duplicates else f"{side} {product.lang}"
        for side, products in journal.products().items()
        for id_, product in products.items()
    }
    found = measure(
        judged_pairs(journal.records(), known, slots), settings.align, precision=precision
    )
    if as_json:
        body = dataclasses.asdict(found)
        click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    else:
        _print(found)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    if plot is not None:
        from es_hybrid.align.curve import draw

        draw(found, plot)
        click.echo(f"curves in {plot}", err=as_json)
    if fit is not None:
        from ingest.align.refit import refit

        click.echo(refit(journal, known, fit), err=as_json)


def _print(found: Calibration) -> None:
    from rich.table import Table

    from es_hybrid.commands._output import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("threshold", "", "precision", "recall", "F1"):
        table.add_column(name, justify="left" if name == "" else "right", no_wrap=True)
    for name, point in sorted(found.points.items(), key=lambda each: each[1].threshold):
        measures = (point.precision, point.recall, point.f1)
        cells = (
            f"{value:.3f} [{low:.3f}, {high:.3f}]"
            for value, low, high in zip(measures, point.low, point.high, strict=True)
        )
        table.add_row(f"{point.threshold:.2f}", name, *cells)
    out = console()
    out.print(table)
    scored, right = found.pairs
    out.print(
        f"{scored:,} judged pairs, {right:,} right pairs; calibration error {found.error:.3f}"
    )
