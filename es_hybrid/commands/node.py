"""`es-hybrid node`: run the embedded Elasticsearch."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

_NOT_RUNNING = 3

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for its data and log.  [default: the user's data folder]",
)


@click.group()
def node() -> None:
    """Run a real Elasticsearch on this machine, without Docker.

    For evaluation, development and tests: it listens on 127.0.0.1 only, without users or TLS. Other
    commands use it unless a URL is configured.
    """


@node.command()
@click.option("--port", type=click.IntRange(1, 65535), help="HTTP port.  [default: a free one]")
@click.option("--heap", default="1g", show_default=True, help="Size of the Java heap.")
@_data
def start(*, port: int | None, heap: str, data: Path | None) -> None:
    """Start the node in the background and wait until it is ready.

    The first start downloads 46 MB of jars; later starts need no network. The data is kept between
    starts.
    """
    from es_hybrid.node.launch import NodeOptions, launch
    from es_hybrid.node.probe import why_not_green

    options = NodeOptions(data=_folder(data), port=port, heap=heap, detached=True)
    process, state = launch(options, report=lambda line: click.echo(f"{line} …", err=True))
    # It keeps running after this process by design: suppress the warning about a running child.
    process.returncode = 0
    click.echo(f"Elasticsearch {state.version} is ready at {state.url}")
    click.echo(f"health: {why_not_green(state.port)}", err=True)


@node.command()
@_data
def stop(*, data: Path | None) -> None:
    """Stop the node and keep its data."""
    from es_hybrid.node.launch import stop as stop_node

    stopped = stop_node(_folder(data))
    click.echo(f"stopped {stopped.url}" if stopped else "not running")


@node.command()
@_data
@click.pass_context
def status(context: click.Context, *, data: Path | None) -> None:
    """Show the running node and its contents.

    Exit status: 0 running, 3 not running.
    """
    from es_hybrid.node.probe import describe_contents, why_not_green
    from es_hybrid.node.state import is_locked, running_node

    folder = _folder(data)
    state = running_node(folder)
    if state is None:
        click.echo("starting" if is_locked(folder) else "not running")
        context.exit(_NOT_RUNNING)
    rows = {
        "url": state.url,
        "version": state.version,
        "pid": state.pid,
        "started": state.started,
        "heap": state.heap,
        "java": state.java,
        "data": folder,
        "health": why_not_green(state.port),
        "contents": describe_contents(state.port, folder),
    }
    for name, value in rows.items():
        click.echo(f"{name:<9} {value}")


@node.command()
@click.option(
    "-n",
    "--lines",
    default=50,
    show_default=True,
    type=click.IntRange(min=0),
    help="Number of lines.",
)
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines; stop with Ctrl-C.")
@_data
def logs(*, lines: int, follow: bool, data: Path | None) -> None:
    """Show the last lines of the log."""
    from es_hybrid.errors import NodeError
    from es_hybrid.node import log
    from es_hybrid.node.state import LOG_FILE

    path = _folder(data) / LOG_FILE
    if not path.exists():
        raise NodeError(
            "there is no log",
            place=str(path),
            remedy="start the node, or give its folder with --data",
        )
    with contextlib.suppress(KeyboardInterrupt):  # ends --follow
        for line in log.follow(path, lines) if follow else log.last_lines(path, lines):
            click.echo(line)


def _folder(data: Path | None) -> Path:
    from es_hybrid.node.state import default_data

    return data.absolute() if data else default_data()
