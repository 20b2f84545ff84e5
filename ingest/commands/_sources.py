"""Options of the commands that read sources."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def _mapping(ctx: click.Context, param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """`field=column` pairs."""
    mapping = {}
    for pair in pairs:
        field, found, column = pair.partition("=")
        if not found or not field.strip():
            raise click.BadParameter(f"{pair!r} is not FIELD=COLUMN", ctx=ctx, param=param)
        mapping[field.strip()] = column.strip()
    return mapping


def _files(context: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The names of files. A FILE may also be a URL, so it is not of click's type for paths."""
    return [CompletionItem(begun, type="file")]


files_argument = click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", shell_complete=_files
)

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
