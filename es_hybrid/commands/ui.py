"""`es-hybrid ui`: the page, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@settings_options
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: 7860]")
def ui(*, settings: Settings, host: str | None, port: int | None) -> None:
    """Open the page: rerank texts, see a search stage by stage, review pairs of an alignment.

    In English and Chinese, for this machine's browser alone unless --host says otherwise, and then
    only with serve.api_keys. Ends on SIGTERM or Ctrl-C. The exit status is 0 after such an end,
    and 2 where it cannot start.
    """
    from es_hybrid.errors import MissingExtra

    try:
        from es_hybrid.page.server import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "es_hybrid":
            raise
        raise MissingExtra("the page", "page") from None

    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    page = settings.page.model_copy(update=flags)
    run(settings.model_copy(update={"page": page}), say=lambda line: click.echo(line, err=True))
