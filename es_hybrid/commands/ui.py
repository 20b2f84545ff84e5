"""`es-hybrid ui`: the page in a browser."""

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
    "--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one.  [default: 7860]"
)
def ui(*, settings: Settings, host: str | None, port: int | None) -> None:
    """Serve the page: rerank texts, see a search stage by stage, review pairs of an alignment.

    In English and Chinese. Listens on this machine only; another --host requires serve.api_keys.
    Stops on SIGTERM or Ctrl-C. The exit status is 0 after SIGTERM or Ctrl-C, and 2 if the page
    cannot start.
    """
    from es_hybrid.errors import MissingExtra

    try:
        from es_hybrid.page.server import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "es_hybrid":
            raise
        raise MissingExtra("the page", "page") from None

    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}

    def started(url: str) -> None:
        click.echo(f"es-hybrid shows its page on {url}", err=True)

    run(settings.with_(page=flags), started=started)
