"""Compressed data, unpacked as it is read, and never beyond measure.

A few kilobytes can unpack to terabytes. Memory stays small either way, but a load would run for
days: so what unpacks by far more than any feed does is refused.
"""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources.source import name_of

MAX_UNPACKED_BYTES = 64 * 1024**3
# Product feeds shrink to a fifth or a thirtieth; deflate cannot do better than a thousandth.
MAX_RATIO = 200
# Below this the ratio says nothing: a small file may well be the same row over and over.
RATIO_COUNTS_FROM = 64 * 1024**2

_BUFFER_BYTES = 1 << 18


def bounded(unpacked: BinaryIO, *, packed: Callable[[], int], place: str) -> BinaryIO:
    """The stream, with a fast `readline`, counted against the packed bytes it comes from.

    Args:
        packed: How many compressed bytes were read so far.
    """
    return cast("BinaryIO", io.BufferedReader(_Bounded(unpacked, packed, place), _BUFFER_BYTES))


class _Bounded(io.RawIOBase):
    def __init__(self, unpacked: BinaryIO, packed: Callable[[], int], place: str) -> None:
        self._stream, self._packed, self._place = unpacked, packed, place
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        size = len(chunk)
        buffer[:size] = chunk
        self._count += size
        check_ratio(self._count, self._packed(), self._place)
        return size


def check_ratio(unpacked: int, packed: int, place: str) -> None:
    """Hold unpacked bytes against the packed ones.

    Raises:
        SourceError: there is more than any feed unpacks to.
    """
    if unpacked <= RATIO_COUNTS_FROM:
        return
    ratio = unpacked / max(packed, 1)
    if ratio <= MAX_RATIO and unpacked <= MAX_UNPACKED_BYTES:
        return
    raise SourceError(
        f"the compressed data unpacks to {unpacked / 2**20:,.0f} MiB or more, {ratio:,.0f} times "
        f"its size (allowed: {MAX_RATIO} times, {MAX_UNPACKED_BYTES / 2**30:,.0f} GiB)",
        place=place,
        remedy="if it is what it should be, unpack it yourself and name the unpacked file",
    )


@contextlib.contextmanager
def unpacked(file: BinaryIO, path: str, place: str) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name says that it is compressed.

    Reading raises `SourceError` where there is more than any feed unpacks to.
    """
    name = name_of(path).lower()
    if name.endswith(".gz"):
        counted = _Counted(file)
        with gzip.GzipFile(fileobj=cast("BinaryIO", counted)) as stream:
            yield bounded(cast("BinaryIO", stream), packed=lambda: counted.count, place=place)
    elif name.endswith(".zst"):
        import pyarrow

        counted = _Counted(file)
        with pyarrow.CompressedInputStream(pyarrow.PythonFile(counted, "r"), "zstd") as zstd:
            yield bounded(cast("BinaryIO", zstd), packed=lambda: counted.count, place=place)
    else:
        yield file


class _Counted(io.RawIOBase):
    """A file that knows how much was read: a pipe has no `tell`. Closing it leaves it open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.count += len(chunk)
        return chunk
