"""Options of the commands of `es-hybrid align`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from es_hybrid.commands._shared import settings_options


def align_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `settings_options`, with --store laid over `align.store`."""

    @settings_options
    @click.option(
        "--store",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File of the alignment.  [default: .es-hybrid/align/default.sqlite]",
    )
    @functools.wraps(command)
    def with_store(*args: Any, store: Path | None, settings: Any, **options: Any) -> Any:
        if store is not None:
            align = settings.align.model_copy(update={"store": store})
            settings = settings.model_copy(update={"align": align})
        return command(*args, settings=settings, **options)

    return with_store
