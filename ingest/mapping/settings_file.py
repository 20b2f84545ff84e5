"""A proposal as TOML: printed, or written into a settings file whose other lines stay."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from es_hybrid.errors import SettingsError
from es_hybrid.settings import load_settings
from ingest.mapping.propose import Proposal


def as_toml(proposal: Proposal) -> str:
    """The section as one would write it, with the reasons and what was left out as comments."""
    document = tomlkit.document()
    _fill(document, proposal)
    lines = [tomlkit.dumps(document).strip(), *_remarks(proposal)]
    return "\n".join(filter(None, lines)) + "\n"


def write_settings(proposal: Proposal, path: Path) -> None:
    """Put the proposal into a settings file; `ingest.fields` is replaced, the rest stays.

    Raises:
        SettingsError: the file is not TOML, its settings are not allowed, or it cannot be written.
    """
    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"not valid TOML: {error}", place=str(path), remedy="correct that line"
        ) from None
    _fill(document, proposal)
    try:
        _replace(path, tomlkit.dumps(document))
    except OSError as error:
        raise SettingsError(
            f"cannot be written: {error.strerror}", place=str(path), remedy="check its rights"
        ) from None


def _fill(document: tomlkit.TOMLDocument, proposal: Proposal) -> None:
    section = document.setdefault("ingest", tomlkit.table(is_super_table=not proposal.settings))
    for name, (value, why) in proposal.settings.items():
        section[name] = tomlkit.string(value).comment(why)
    fields = tomlkit.table()
    for name, column in proposal.fields.items():
        choice = proposal.chosen[name]
        fields[name] = tomlkit.string(column).comment(
            f"{choice.why}: {_on_one_line(choice.column.samples)}"
        )
    section.pop("fields", None)  # which may be written in three ways: a table of its own, is one
    section["fields"] = fields


def _remarks(proposal: Proposal) -> Iterator[str]:
    own = [name for name, choice in proposal.chosen.items() if choice.column.name == name]
    if own:
        yield "# by their own names, so no line is needed: " + ", ".join(own)
    if proposal.missing:
        yield "# not found: " + ", ".join(proposal.missing)
    if proposal.version is not None:
        yield (
            f"# version = {tomlkit.string(proposal.version.name).as_string()}  # if it grows with "
            "every change: the newest row wins, whatever the order"
        )
    if proposal.left_out:
        yield "# left out:"
    for column in proposal.left_out:
        parts = filter(None, (column.name, column.kind, _on_one_line(column.samples)))
        yield "#   " + ": ".join(parts)


def _on_one_line(text: str) -> str:
    """Without what a TOML comment may not hold."""
    return "".join(character if character.isprintable() else " " for character in text)


def _replace(path: Path, content: str) -> None:
    """Check the new file, then put it in the place of the old one at once."""
    path = path.resolve()  # of a link the file behind it
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        if path.exists():
            new.chmod(path.stat().st_mode)
        load_settings(new)
        new.replace(path)
    except SettingsError as error:
        error.place = str(path)
        raise
    finally:
        new.unlink(missing_ok=True)
