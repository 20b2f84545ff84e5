"""Write docs/cli.md and docs/settings.md from what the code says of itself.

A test holds both files to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from es_hybrid.cli import main
from es_hybrid.settings import Settings

FOLDER = Path(__file__).parent
_WIDTH = 100


def cli_reference() -> str:
    """Every command's help, groups before their commands."""
    parts = [
        "# The commands",
        "Written by `make docs` from the commands' own help.",
        *_commands(main, "es-hybrid", None),
    ]
    return "\n\n".join(parts) + "\n"


def settings_reference() -> str:
    """Every setting with its default and its meaning, by section."""
    parts = [
        "# The settings",
        "`es-hybrid.toml` < environment < command-line flags. In the file a setting stands in its "
        "section (`[embedding]`, then `dims = 512`); in the environment it is "
        "`ES_HYBRID_EMBEDDING__DIMS=512`, lists and tables as JSON. An unknown name is an error. "
        "Written by `make docs` from the settings' own descriptions.",
    ]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        parts += [f"## {section}", model.__doc__ or "", "\n".join(_settings(section, model))]
    return "\n\n".join(parts) + "\n"


def _commands(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **command.context_settings,
    )
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _commands(found, child, context)


def _settings(section: str, model: type[BaseModel]) -> Iterator[str]:
    yield "| setting | default | meaning |"
    yield "| --- | --- | --- |"
    for name, field in model.model_fields.items():
        default = _default(field.get_default(call_default_factory=True))
        meaning = " ".join((field.description or "").split())
        yield f"| `{section}.{name}` | {default} | {meaning} |"


def _default(value: Any) -> str:
    if value in (None, "", {}, ()):
        return "-"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"


if __name__ == "__main__":
    (FOLDER / "cli.md").write_text(cli_reference(), encoding="utf-8")
    (FOLDER / "settings.md").write_text(settings_reference(), encoding="utf-8")
