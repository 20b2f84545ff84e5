"""Options that the commands of `eval` share."""

from __future__ import annotations

from pathlib import Path

import click

queries_option = click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help="TSV of id and text.  [default: the queries of the snapshot, or 50 titles of A]",
)
size_option = click.option(
    "--size",
    type=click.IntRange(1, 1000),
    help="Hits to request; more than `search.window` widens the window of the search.  "
    "[default: 10, or 100 if the measure reads more]",
)
rerank_option = click.option(
    "--rerank/--no-rerank", default=True, help="Whether to use the configured reranker."
)
worst_option = click.option(
    "--worst",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="Queries to show with the hits of both.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
