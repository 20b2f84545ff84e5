"""`es-hybrid serve`: the HTTP server in front of Elasticsearch."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file.  [default: es-hybrid.toml, where there is one]",
)
@click.option(
    "--url",
    help="Elasticsearch.  [default: the embedded node that runs, or http://localhost:9200]",
)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: 9201]")
@click.pass_context
def serve(
    context: click.Context,
    config: Path | None,
    url: str | None,
    host: str | None,
    port: int | None,
) -> None:
    """Stand in front of Elasticsearch: point your client here and change nothing else.

    Searches with retrievers that the cluster may not run are answered here, everything else is
    passed through with the caller's own credentials. Ends on SIGTERM or Ctrl-C, after the
    requests under way.

    The exit status is 0 after such an end, and 2 where it cannot start.
    """
    from es_hybrid.errors import MissingExtra
    from es_hybrid.settings import load_settings

    settings = load_settings(
        config, {"elasticsearch": {"url": url}, "serve": {"host": host, "port": port}}
    )
    try:
        from es_hybrid.serve.server import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "es_hybrid":
            raise
        raise MissingExtra("the HTTP server", "serve") from None

    run(
        settings,
        verbose=context.find_root().params.get("verbose", 0),
        say=lambda line: click.echo(line, err=True),
    )
