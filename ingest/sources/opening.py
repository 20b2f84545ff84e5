"""Opening a source: standard input, plain and compressed files, and what can be wrong with them."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources import STDIN


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The bytes of a source, unpacked. Errors of reading inside the block are `SourceError`s.

    Raises:
        SourceError: absent, a folder, unreadable, or cut or damaged compressed data.
    """
    try:
        with _stream(path) as stream:
            yield stream
    except FileNotFoundError:
        raise SourceError("no such file", place=path, remedy="check the path") from None
    except IsADirectoryError:
        raise SourceError("this is a folder", place=path, remedy="name the files in it") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(path, error) from None
    except OSError as error:
        # pyarrow reports damaged zstd data as an OSError without a number.
        if error.errno is None:
            raise _damaged(path, error) from None
        raise SourceError(
            f"cannot be read: {error.strerror}", place=path, remedy="check the file and its rights"
        ) from None


def _stream(path: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if path == STDIN:
        return contextlib.nullcontext(sys.stdin.buffer)
    if path.lower().endswith(".gz"):
        return cast("BinaryIO", gzip.open(path))
    if path.lower().endswith(".zst"):
        return _zstd(path)
    return Path(path).open("rb")


@contextlib.contextmanager
def _zstd(path: str) -> Iterator[BinaryIO]:
    import io

    import pyarrow

    with Path(path).open("rb") as packed, pyarrow.CompressedInputStream(packed, "zstd") as stream:
        # The buffer gives it a fast readline.
        yield cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", stream), 1 << 18))


def _damaged(path: str, error: Exception) -> SourceError:
    return SourceError(
        f"the compressed data is cut or damaged ({error})",
        place=path,
        remedy="make or copy the file anew",
    )
