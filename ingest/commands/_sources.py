"""Options of the commands that read sources."""

from __future__ import annotations

import click


def _mapping(ctx: click.Context, param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """`field=column` pairs."""
    mapping = {}
    for pair in pairs:
        field, found, column = pair.partition("=")
        if not found or not field.strip():
            raise click.BadParameter(f"{pair!r} is not FIELD=COLUMN", ctx=ctx, param=param)
        mapping[field.strip()] = column.strip()
    return mapping


files_argument = click.argument("files", nargs=-1, required=True, metavar="FILE...")

format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice(
        [
            "jsonl",
            "json",
            "csv",
            "tsv",
            "xlsx",
            "xml",
            "parquet",
            "shopify",
            "woocommerce",
            "magento",
            "google",
        ]
    ),
    help="Format of all FILEs; required for -.  [default: from each name]",
)

map_option = click.option(
    "--map",
    "mapping",
    multiple=True,
    callback=_mapping,
    metavar="FIELD=COLUMN",
    help="Read a product FIELD from a COLUMN, or from none; overrides ingest.fields. Repeatable.",
)
