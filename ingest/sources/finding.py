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
    shown,
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
    inside = _files_in(name, say)
    if inside is not None:
        yield from _readable(name, inside, file_format, say)
    elif is_archive(name):
        found = (f"{name}!{member}" for member in members_of(name))
        yield from _readable(name, found, file_format, say)
    else:
        yield Source(name, file_format or guess_format(name))


def _files_in(name: str, say: Callable[[str], None]) -> Iterable[str] | None:
    """The files of a folder or a pattern; None if the name is that of a file."""
    if name == STDIN:
        return None
    if is_url(name):
        from ingest.sources.remote import files_at

        return files_at(name)
    if Path(name).is_dir():
        return _own_files(name, _walked(name), say)
    if glob.has_magic(name) and not Path(name).exists():
        return _own_files(_folder_of(name), _matched(name), say)
    return None


def _own_files(folder: str, found: Iterable[str], say: Callable[[str], None]) -> Iterator[str]:
    """The regular files that are in the folder itself.

    Someone else may write into the folder: a link could lead to any file of the user, and a pipe
    never ends.
    """
    root = Path(folder).resolve()
    for name in found:
        path = Path(name)
        if not path.resolve().is_relative_to(root):
            say(f"{place_of(name)}: skipped: a link out of the folder; name the file itself")
        elif path.exists() and not path.is_file():
            say(f"{place_of(name)}: skipped: no regular file; name it itself")
        else:
            yield name


def _folder_of(pattern: str) -> str:
    """The folder in which a pattern begins."""
    parts = Path(pattern).parts
    plain = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return str(Path(*parts[:plain]))


def _walked(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str(Path(parent, name)) for name in sorted(files) if not name.startswith("."))


def _matched(pattern: str) -> list[str]:
    found = sorted(name for name in glob.glob(pattern, recursive=True) if not Path(name).is_dir())  # noqa: PTH207 - a pattern may begin anywhere
    if not found:
        raise SourceError(
            "no file matches the pattern", place=place_of(pattern), remedy="check the pattern"
        )
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
    some = ", ".join(map(shown, names[:_SHOWN]))
    more = len(names) - _SHOWN
    return f"{some} and {more:,} more" if more > 0 else some
