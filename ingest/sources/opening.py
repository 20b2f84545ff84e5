"""Opening a source of bytes, wherever it is, and what can be wrong with it."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from es_hybrid.errors import SourceError
from ingest.sources.archives import members, opened_member, split_member
from ingest.sources.source import STDIN, is_url, place_of
from ingest.sources.unpacking import unpacked

_BUFFER_BYTES = 1 << 18


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The bytes of a source, unpacked. Errors of reading inside the block are `SourceError`s.

    Raises:
        SourceError: absent, a folder, unreadable, or cut, damaged or outsized compressed data.
    """
    place = place_of(path)
    archive, member = split_member(path)
    with _said(place), contextlib.ExitStack() as stack:
        file = stack.enter_context(_opened(archive))
        if member:
            file = stack.enter_context(opened_member(file, member, place))
        yield stack.enter_context(unpacked(file, member or path, place))


def members_of(path: str) -> list[str]:
    """The names of the files in a ZIP archive, wherever it is.

    Raises:
        SourceError: as `opened`.
    """
    place = place_of(path)
    with _said(place), _opened(path) as file:
        return members(file, place)


def _opened(path: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if path == STDIN:
        return contextlib.nullcontext(sys.stdin.buffer)
    if is_url(path):
        from ingest.sources.remote import opened_url

        return opened_url(path)
    return Path(path).open("rb", buffering=_BUFFER_BYTES)


@contextlib.contextmanager
def _said(place: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise SourceError("no such file", place=place, remedy="check the path") from None
    except IsADirectoryError:
        raise SourceError("this is a folder", place=place, remedy="name the files in it") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(place, error) from None
    except OSError as error:
        # pyarrow reports damaged zstd data as an OSError without a number.
        if error.errno is None:
            raise _damaged(place, error) from None
        raise SourceError(
            f"cannot be read: {error.strerror}", place=place, remedy="check the file and its rights"
        ) from None


def _damaged(place: str, error: Exception) -> SourceError:
    return SourceError(
        f"the compressed data is cut or damaged ({error})",
        place=place,
        remedy="make or copy the file anew",
    )
