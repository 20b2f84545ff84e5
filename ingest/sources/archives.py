"""ZIP archives: each member is a source of its own, named `archive.zip!member`."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources.source import name_of
from ingest.sources.unpacking import bounded

_MEMBER = re.compile(r"(.+?\.zip)!(.+)", re.IGNORECASE | re.DOTALL)


def is_archive(path: str) -> bool:
    """Whether the name is an archive's."""
    return name_of(path).lower().endswith(".zip")


def split_member(path: str) -> tuple[str, str]:
    """`a.zip!b.csv` -> `("a.zip", "b.csv")`; the member is empty where none is named."""
    found = _MEMBER.fullmatch(path)
    return (found[1], found[2]) if found else (path, "")


def members(file: BinaryIO, place: str) -> list[str]:
    """The names of the files in an archive, sorted; not those that macOS and dot files add.

    Raises:
        SourceError: no ZIP archive, or a damaged one.
    """
    with _archive(file, place) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    hidden = re.compile(r"(?:^|/)(?:\.|__MACOSX/)")
    return sorted(name for name in names if not hidden.search(name))


@contextlib.contextmanager
def opened_member(file: BinaryIO, member: str, place: str) -> Iterator[BinaryIO]:
    """The unpacked bytes of one member.

    Raises:
        SourceError: no such member, encrypted, damaged, or unpacked beyond all measure.
    """
    with _archive(file, place) as archive:
        try:
            info = archive.getinfo(member)
            stream = archive.open(info)
        except KeyError:
            held = ", ".join(archive.namelist()[:10]) or "nothing"
            raise SourceError(
                "no such member in the archive", place=place, remedy=f"it has {held}"
            ) from None
        except (RuntimeError, NotImplementedError) as error:  # a password; an odd compression
            raise SourceError(
                f"the member cannot be unpacked: {error}",
                place=place,
                remedy="unpack the archive yourself and name the files",
            ) from None
        with stream:
            unpacked = cast("BinaryIO", stream)
            yield bounded(unpacked, packed=lambda: info.compress_size, place=place)


@contextlib.contextmanager
def _archive(file: BinaryIO, place: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise SourceError(
            f"the archive is cut or damaged ({error})",
            place=place,
            remedy="make or copy the file anew",
        ) from None
