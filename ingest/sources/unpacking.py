"""Compressed data and ZIP archives, decompressed while they are read, with a limit on the size.

A few kilobytes can expand to terabytes. Memory stays small either way, but a load would run for
days, so data that expands far more than any feed does is refused.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources.source import shown

MAX_UNPACKED_BYTES = 64 * 1024**3
# Product feeds shrink to between a fifth and a thirtieth; deflate's limit is a thousandth.
MAX_RATIO = 200
# Below this the ratio means nothing: a small file may well repeat one row.
RATIO_COUNTS_FROM = 64 * 1024**2

_BUFFER_BYTES = 1 << 18
# Files that macOS adds, and dot files.
_HIDDEN = re.compile(r"(?:^|/)(?:\.|__MACOSX/)")


@contextlib.contextmanager
def unpacked(file: BinaryIO, compression: str, place: str) -> Iterator[BinaryIO]:
    """The decompressed bytes of a `gz` or `zst` file.

    Reading raises `SourceError` if there are more than any feed expands to.
    """
    counted = _CountingReader(file)
    # In an archive, what counts is the size there: the limits of both must not multiply.
    outer = getattr(file, "raw", None)
    packed = outer.packed if isinstance(outer, _BoundedReader) else lambda: counted.count
    if compression == "gz":
        with gzip.GzipFile(fileobj=cast("BinaryIO", counted)) as stream:
            yield _bounded(cast("BinaryIO", stream), packed=packed, place=place)
    else:
        import pyarrow

        with pyarrow.CompressedInputStream(pyarrow.PythonFile(counted, "r"), "zstd") as zstd:
            yield _bounded(cast("BinaryIO", zstd), packed=packed, place=place)


def local_archive(path: str, place: str) -> zipfile.ZipFile:
    """A ZIP archive on this machine.

    The last one stays open: its members are usually read one after the other, and each opening
    reads its whole directory.

    Raises:
        SourceError: not a ZIP archive, or a damaged one.
    """
    status = Path(path).stat()
    with _explained(place):
        return _last_archive(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _last_archive(path: str, modified: int, size: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


@contextlib.contextmanager
def archive_in(file: BinaryIO, place: str) -> Iterator[zipfile.ZipFile]:
    """The ZIP archive in an open file.

    Raises:
        SourceError: not a ZIP archive, or a damaged one.
    """
    with _explained(place), zipfile.ZipFile(file) as archive:
        yield archive


def members(archive: zipfile.ZipFile) -> list[str]:
    """The names of the files in a ZIP archive, sorted, without hidden ones."""
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    return sorted(name for name in names if not _HIDDEN.search(name))


@contextlib.contextmanager
def opened_member(archive: zipfile.ZipFile, member: str, place: str) -> Iterator[BinaryIO]:
    """The decompressed bytes of one member of a ZIP archive.

    Raises:
        SourceError: no such member, encrypted, damaged, or too large when decompressed.
    """
    with _explained(place):
        try:
            info = archive.getinfo(member)
            stream = archive.open(info)
        except KeyError:
            contained = ", ".join(map(shown, archive.namelist()[:10])) or "nothing"
            raise SourceError(
                "no such member in the archive", place=place, remedy=f"it contains {contained}"
            ) from None
        except (RuntimeError, NotImplementedError) as error:  # encrypted; unknown compression
            raise SourceError(
                f"the member cannot be decompressed: {error}",
                place=place,
                remedy="unpack the archive yourself and name the files",
            ) from None
        with stream:
            member_bytes = cast("BinaryIO", stream)
            yield _bounded(member_bytes, packed=lambda: info.compress_size, place=place)


def check_ratio(unpacked: int, packed: int, place: str) -> None:
    """Compare the decompressed size with the compressed one, in bytes.

    Raises:
        SourceError: it is more than any feed expands to.
    """
    if unpacked <= RATIO_COUNTS_FROM:
        return
    ratio = unpacked / max(packed, 1)
    if ratio <= MAX_RATIO and unpacked <= MAX_UNPACKED_BYTES:
        return
    raise SourceError(
        f"the compressed data expands to {unpacked / 2**20:,.0f} MiB or more, {ratio:,.0f} times "
        f"its size (limits: {MAX_RATIO} times, {MAX_UNPACKED_BYTES / 2**30:,.0f} GiB)",
        place=place,
        remedy="if it is genuine, decompress it yourself and name the result",
    )


@contextlib.contextmanager
def _explained(place: str) -> Iterator[None]:
    try:
        yield
    except zipfile.BadZipFile as error:
        raise SourceError(
            f"the archive is truncated or damaged ({error})",
            place=place,
            remedy="create or copy the file again",
        ) from None


def _bounded(stream: BinaryIO, *, packed: Callable[[], int], place: str) -> BinaryIO:
    """The stream with a fast `readline` and a check of its size.

    Args:
        packed: The number of compressed bytes read so far.
    """
    return cast("BinaryIO", io.BufferedReader(_BoundedReader(stream, packed, place), _BUFFER_BYTES))


class _BoundedReader(io.RawIOBase):
    def __init__(self, stream: BinaryIO, packed: Callable[[], int], place: str) -> None:
        self._stream, self._place = stream, place
        self.packed = packed
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        size = len(chunk)
        buffer[:size] = chunk
        self._count += size
        check_ratio(self._count, self.packed(), self._place)
        return size


class _CountingReader(io.RawIOBase):
    """Counts the bytes read, because a pipe has no `tell`. Closing it leaves the file open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.count += len(chunk)
        return chunk
