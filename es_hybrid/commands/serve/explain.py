"""`es-hybrid serve explain`: what the server would make of a search."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.argument("body", type=click.File("rb"))
@settings_options
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="Header of the request, e.g. one that decides its share. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    body: IO[bytes], settings: Settings, *, headers: tuple[str, ...], as_json: bool
) -> None:
    """Show what `es-hybrid serve` would make of the search in BODY, without running it.

    BODY is a file with the JSON of one search of --index, or the lines of an _msearch; - reads
    standard input. Shows the rule of serve.rewrite that fits, the shopper's text, and the plan:
    the lexical query, the vector field, the filters of the vector leg, reranking, sorting, and what
    else of the body is kept.
    """
    import orjson

    from es_hybrid.errors import MissingExtra

    try:
        from es_hybrid.commands.serve.printing import explanation_lines
        from es_hybrid.serve.rewriting.explained import explained
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "es_hybrid":
            raise
        raise MissingExtra("the HTTP server", "serve") from None

    text = body.read()
    with connected(settings) as client:
        found = explained(text, settings, client, [_header(each) for each in headers])
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("\n\n".join("\n".join(explanation_lines(each)) for each in found))


def _header(given: str) -> tuple[bytes, bytes]:
    name, colon, value = given.partition(":")
    if not colon:
        raise click.BadParameter(f"{given!r} is not NAME:VALUE", param_hint="--header")
    return name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")
