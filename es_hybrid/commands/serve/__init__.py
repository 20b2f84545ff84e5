"""`es-hybrid serve`: the HTTP server in front of Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.serve.explain import explain

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.group(invoke_without_command=True)
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
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if _is_given(context, name)]
        if given:
            options = ", ".join(f"--{name}" for name in sorted(given))
            raise click.UsageError(f"give {options} after {context.invoked_subcommand}")
        return
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


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


serve.add_command(explain)
