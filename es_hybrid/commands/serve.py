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
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one.  [default: 9201]"
)
@click.pass_context
def serve(
    context: click.Context, *, settings: Settings, host: str | None, port: int | None
) -> None:
    """Serve Elasticsearch's API with hybrid search: point your client here, change nothing else.

    Answers searches with retrievers that the cluster may not run. Passes everything else through
    with the caller's own credentials. `POST /search` searches --index. Stops on SIGTERM or Ctrl-C,
    after finishing the open requests.

    The exit status is 0 after SIGTERM or Ctrl-C, and 2 if the server cannot start.
    """
    from es_hybrid.errors import MissingExtra

    try:
        from es_hybrid.serve.server import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "es_hybrid":
            raise
        raise MissingExtra("the HTTP server", "serve") from None

    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    run(
        settings.with_(serve=flags),
        verbose=context.find_root().params.get("verbose", 0),
        say=lambda line: click.echo(line, err=True),
    )
