"""`es-hybrid serve`: the HTTP server in front of Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@settings_options
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: 9201]")
@click.pass_context
def serve(
    context: click.Context, *, settings: Settings, host: str | None, port: int | None
) -> None:
    """Stand in front of Elasticsearch: point your client here and change nothing else.

    Searches with retrievers that the cluster may not run are answered here, everything else is
    passed through with the caller's own credentials. `POST /search` searches --index. Ends on
    SIGTERM or Ctrl-C, after the requests under way.

    The exit status is 0 after such an end, and 2 where it cannot start.
    """
    from es_hybrid.errors import MissingExtra

    try:
        from es_hybrid.serve.server import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "es_hybrid":
            raise
        raise MissingExtra("the HTTP server", "serve") from None

    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    listening = settings.serve.model_copy(update=flags)
    run(
        settings.model_copy(update={"serve": listening}),
        verbose=context.find_root().params.get("verbose", 0),
        say=lambda line: click.echo(line, err=True),
    )
