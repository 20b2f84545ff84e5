"""Writes a proposal as TOML, to the terminal or into a settings file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from es_hybrid.errors import SettingsError, StorageError
from es_hybrid.settings import load_settings
from ingest.mapping.propose import Proposal


def as_toml(proposal: Proposal) -> str:
    """The settings as TOML, with reasons and unused columns as comments."""
    document = tomlkit.document()
    _fill(document, proposal)
    lines = [tomlkit.dumps(document).strip(), *_remarks(proposal)]
    return "\n".join(filter(None, lines)) + "\n"


def write_settings(proposal: Proposal, path: Path) -> None:
    """Write the proposal into a settings file; `ingest.fields` is replaced, all else stays.

    Raises:
        SettingsError: the file is not TOML, or its settings are invalid.
        StorageError: the file cannot be written.
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
        raise StorageError(
            f"cannot be written: {error.strerror}", place=str(path), remedy="check its permissions"
        ) from None


def _fill(document: tomlkit.TOMLDocument, proposal: Proposal) -> None:
    section = document.setdefault("ingest", tomlkit.table(is_super_table=not proposal.settings))
    for name, (value, why) in proposal.settings.items():
        section[name] = tomlkit.string(value).comment(why)
    fields = tomlkit.table()
    for name, column in proposal.fields.items():
        if name in proposal.left_out:
            why, shown = "left out: the values do not fit", proposal.left_out[name]
        else:
            why, shown = proposal.chosen[name].why, proposal.chosen[name].column
        fields[name] = tomlkit.string(column).comment(f"{why}: {_on_one_line(shown.samples)}")
    section.pop("fields", None)  # it may be written in three ways; replace it by a table
    section["fields"] = fields


def _remarks(proposal: Proposal) -> Iterator[str]:
    own = {name: choice for name, choice in proposal.chosen.items() if choice.column.name == name}
    if proposal.export is not None:
        yield f"# {proposal.export.label}, no mapping needed:"
        for name, choice in own.items():
            source = tomlkit.string(choice.why).as_string()
            yield f"#   {name} = {source}: {_on_one_line(choice.column.samples)}"
    elif own:
        yield "# found by name, no mapping needed: " + ", ".join(own)
    missing = [name for name in proposal.missing if name not in proposal.left_out]
    if missing:
        yield "# not found: " + ", ".join(missing)
    if proposal.version is not None:
        yield (
            f"# version = {tomlkit.string(proposal.version.name).as_string()}  # if it "
            "increases with every change: then the newest row wins in any order"
        )
    for column in proposal.unused:
        if column.lists_objects:
            yield (
                f"# {column.name} holds lists of objects. If they are variants with a price and an "
                "SKU of their own, write one row for each: a row is one product."
            )
    if proposal.unused:
        yield "# unused columns:"
    for column in proposal.unused:
        parts = filter(None, (column.name, column.kind, _on_one_line(column.samples)))
        yield "#   " + ": ".join(parts)


def _on_one_line(text: str) -> str:
    """The text without characters that a TOML comment must not contain."""
    return "".join(character if character.isprintable() else " " for character in text)


def _replace(path: Path, content: str) -> None:
    """Check the new file, then replace the old one atomically."""
    path = path.resolve()  # follow a symbolic link
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
