"""The bytes of a source: opened, decompressed, split into lines, fingerprinted."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import hashlib
import io
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from es_hybrid.errors import SourceError
from ingest.sources.source import (
    STDIN,
    Location,
    can_be_read_again,
    is_index,
    locate,
)
from ingest.sources.unpacking import (
    archive_in,
    local_archive,
    members,
    opened_member,
    unpacked,
)

# A longer line is a broken file, not a product.
MAX_LINE_BYTES = 16 * 1024 * 1024
# The remedy for text that is not UTF-8.
CONVERT = "convert the file: iconv -f ENCODING -t UTF-8, or save it as UTF-8"

_BUFFER_BYTES = 1 << 18
# Read at the start and at the end. A change in between that keeps size and time is not accidental.
_FINGERPRINT_BYTES = 64 * 1024


class Line(NamedTuple):
    """One line with its line break; `cut` if it was longer than `MAX_LINE_BYTES`."""

    number: int
    offset: int
    content: bytes
    cut: bool


@contextlib.contextmanager
def opened(where: Location) -> Iterator[BinaryIO]:
    """The decompressed bytes of a source. Read errors inside the block become `SourceError`s.

    Raises:
        SourceError: missing, a folder, unreadable, or compressed data that is truncated, damaged or
            too large.
    """
    with _explained(where.place), contextlib.ExitStack() as stack:
        if where.member:
            archive = stack.enter_context(_archive(where))
            file = stack.enter_context(opened_member(archive, where.member, where.place))
        else:
            file = stack.enter_context(_opened(where))
        if where.compression:
            file = stack.enter_context(unpacked(file, where.compression, where.place))
        yield file


@contextlib.contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream, or a temporary copy of a pipe: some formats have their index at the end."""
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def members_of(path: str) -> list[str]:
    """The names of the files in a ZIP archive, local or behind a URL.

    Raises:
        SourceError: as `opened`.
    """
    where = locate(path)
    with _explained(where.place), _archive(where) as archive:
        return members(archive)


def head_of(stream: BinaryIO) -> bytes:
    """The first bytes of a stream from `opened`, which stay in it."""
    return cast("io.BufferedReader", stream).peek()


def read_lines(stream: BinaryIO, place: str) -> Iterator[Line]:
    """The lines of a file without its UTF-8 byte order mark; of a line too long, the beginning.

    Raises:
        SourceError: the file is empty.
    """
    number, offset = 0, 0
    while content := stream.readline(MAX_LINE_BYTES):
        number += 1
        start = offset
        offset += len(content)
        if number == 1:
            content = content.removeprefix(codecs.BOM_UTF8)
        cut = len(content) >= MAX_LINE_BYTES and not content.endswith(b"\n")
        if cut:
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                offset += len(rest)
            offset += len(rest)
        yield Line(number, start, content, cut)
    if number == 0:
        raise SourceError("the file is empty", place=place, remedy="check how it was written")


def not_utf8(place: str, line: Line, error: UnicodeDecodeError) -> SourceError:
    """The error for a file in another encoding, with the position of the first invalid byte."""
    return SourceError(
        f"not UTF-8: byte {line.offset + error.start + 1} (line {line.number}) is "
        f"0x{line.content[error.start]:02x}",
        place=place,
        remedy=CONVERT,
    )


def fingerprint(path: str) -> str | None:
    """A text that changes with the source; None for pipes and indices, which have none.

    For a file: size, modification time, and SHA-256 over its start and end. For an archive member:
    that of the archive. For a URL: what the store reports.

    Raises:
        SourceError: missing or not readable.
    """
    if is_index(path):
        return None
    where = locate(path)
    if not can_be_read_again(where.file):
        return None
    if where.remote:
        from ingest.sources.remote import fingerprint_of

        return fingerprint_of(where.file)
    with _explained(where.place), Path(where.file).open("rb") as file:
        digest = hashlib.sha256(file.read(_FINGERPRINT_BYTES))
        size = file.seek(0, 2)
        file.seek(max(size - _FINGERPRINT_BYTES, 0))
        digest.update(file.read(_FINGERPRINT_BYTES))
        return f"{size} {Path(where.file).stat().st_mtime_ns} {digest.hexdigest()}"


def _opened(where: Location) -> contextlib.AbstractContextManager[BinaryIO]:
    if where.file == STDIN:
        return contextlib.nullcontext(sys.stdin.buffer)
    if where.remote:
        from ingest.sources.remote import opened_url

        return opened_url(where.file)
    return Path(where.file).open("rb", buffering=_BUFFER_BYTES)


@contextlib.contextmanager
def _archive(where: Location) -> Iterator[zipfile.ZipFile]:
    if where.remote:
        with _opened(where) as file, archive_in(file, where.place) as archive:
            yield archive
    else:
        yield local_archive(where.file, where.place)


@contextlib.contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turn errors of reading into `SourceError`s."""
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
            f"cannot be read: {error.strerror}",
            place=place,
            remedy="check the file and its permissions",
        ) from None


def _damaged(place: str, error: Exception) -> SourceError:
    return SourceError(
        f"the compressed data is truncated or damaged ({error})",
        place=place,
        remedy="create or copy the file again",
    )
