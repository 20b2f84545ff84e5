"""Options that the commands of `es-hybrid align` share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from es_hybrid.commands._shared import settings_options


def align_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`settings_options`, plus --store, which overrides `align.store`."""

    @settings_options
    @click.option(
        "--store",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File of the alignment.  [default: .es-hybrid/align/default.sqlite]",
    )
    @functools.wraps(command)
    def with_store(*args: Any, store: Path | None, settings: Any, **options: Any) -> Any:
        if store is not None:
            settings = settings.with_(align={"store": store})
        return command(*args, settings=settings, **options)

    return with_store
