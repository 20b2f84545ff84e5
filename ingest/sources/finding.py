"""Finds the sources in files, folders, patterns, archives and URLs that a user names."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from es_hybrid.errors import SourceError
from ingest.sources.opening import members_of
from ingest.sources.source import (
    STDIN,
    Format,
    Source,
    guess_format,
    is_archive,
    is_index,
    is_url,
    known_format,
    place_of,
)

_SHOWN = 10


def find_sources(
    names: Sequence[str],
    file_format: Format | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> list[Source]:
    """The sources in reading order: as named, and sorted inside a folder or archive.

    Args:
        names: Files, folders, patterns such as `feeds/*.csv.gz`, ZIP archives, URLs, `es://INDEX`
            and `-`.
        file_format: The format of all sources. None means that each name shows it; files in folders
            and archives whose name does not are skipped.
        say: Called with a line about skipped files.

    Raises:
        SourceError: missing, without a readable file, or a name that does not show the format.
    """
    return [source for name in names for source in _sources(name, file_format, say)]


def _sources(name: str, file_format: Format | None, say: Callable[[str], None]) -> Iterator[Source]:
    if is_index(name):
        yield Source(name, "elasticsearch")
        return
    inside = _files_in(name)
    if inside is not None:
        yield from _readable(name, inside, file_format, say)
    elif is_archive(name):
        found = (f"{name}!{member}" for member in members_of(name))
        yield from _readable(name, found, file_format, say)
    else:
        yield Source(name, file_format or guess_format(name))


def _files_in(name: str) -> Iterable[str] | None:
    """The files of a folder or a pattern; None if the name is that of a file."""
    if name == STDIN:
        return None
    if is_url(name):
        from ingest.sources.remote import files_at

        return files_at(name)
    if Path(name).is_dir():
        return _walked(name)
    if glob.has_magic(name) and not Path(name).exists():
        return _matched(name)
    return None


def _walked(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str(Path(parent, name)) for name in sorted(files) if not name.startswith("."))


def _matched(pattern: str) -> list[str]:
    found = sorted(name for name in glob.glob(pattern, recursive=True) if not Path(name).is_dir())  # noqa: PTH207 - a pattern may begin anywhere
    if not found:
        raise SourceError("no file matches the pattern", place=pattern, remedy="check the pattern")
    return found


def _readable(
    name: str, found: Iterable[str], file_format: Format | None, say: Callable[[str], None]
) -> Iterator[Source]:
    """The readable files, with archives expanded; an error if there is none."""
    skipped: list[str] = []
    empty = True
    for path in found:
        if is_archive(path) and "!" not in path:
            chosen = list(_sources(path, file_format, say))
        else:
            its_format = file_format or known_format(path)
            chosen = [Source(path, its_format)] if its_format else []
        if not chosen:
            skipped.append(path.removeprefix(name).lstrip("/!"))
        empty = empty and not chosen
        yield from chosen
    place = place_of(name)
    if empty:
        raise SourceError(
            "it contains no readable file" + (f", only {_listed(skipped)}" if skipped else ""),
            place=place,
            remedy="name files of a supported kind (.jsonl, .csv, .tsv, .parquet, also .gz, .zst, "
            ".zip), or set --format",
        )
    if skipped:
        say(f"{place}: skipped {_listed(skipped)}: the name does not show the format")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
