"""Sources behind a URL, through fsspec: `s3://`, `https://`, `memory://` and so on.

Each protocol has its own exceptions; all of them become a `SourceError`.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources.source import place_of

_BUFFER_BYTES = 1 << 20


@contextlib.contextmanager
def opened_url(url: str) -> Iterator[BinaryIO]:
    """The bytes behind a URL.

    Raises:
        SourceError: unknown protocol, its package is not installed, missing, or not allowed.
    """
    with _explained(url):
        system, path = _filesystem(url)
        file = system.open(path, "rb")
    try:
        yield cast("BinaryIO", io.BufferedReader(_Remote(file, url), _BUFFER_BYTES))
    finally:
        file.close()


def files_at(url: str) -> list[str] | None:
    """The files of a folder or pattern behind a URL, sorted; None if it names one file."""
    with _explained(url):
        system, path = _filesystem(url)
        if "*" in path:
            found = [name for name in system.glob(path) if not system.isdir(name)]
        elif _is_http(system) or not system.isdir(path):  # over HTTP every page looks like a folder
            return None
        else:
            found = system.find(path)
        return sorted(system.unstrip_protocol(name) for name in found if not _hidden(name, path))


def fingerprint_of(url: str) -> str | None:
    """Size, and time or tag, as the store reports them; None if it reports only the size."""
    with _explained(url):
        system, path = _filesystem(url)
        info = system.info(path)
    tags = [str(info[name]) for name in _TAGS if info.get(name)]
    return " ".join([str(info.get("size")), *tags]) if tags else None


_TAGS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "updated", "created")


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise SourceError(
            f"the package for {url.partition(':')[0]}:// is not installed",
            place=place_of(url),
            remedy=f"{str(error)[:1].lower()}{str(error)[1:]}",
        ) from None
    except ValueError:
        raise SourceError(
            f"unknown protocol {url.partition(':')[0]}://",
            place=place_of(url),
            remedy="use a protocol of fsspec: s3, gs, az, https, sftp, file and others",
        ) from None
    return system, path


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn a store's errors into `SourceError`s. They name only its kind: it may contain a key."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        # Over HTTP every failure is first reported as "not found", with the reason as its cause.
        cause = error.__cause__ or error
        status = getattr(cause, "status", None)
        if isinstance(cause, FileNotFoundError) or status == 404:
            message, remedy = "no such file", "check the path"
        else:
            message = f"cannot be read: {type(cause).__name__}" + (f" {status}" if status else "")
            remedy = "check the URL, your credentials and the network"
        raise SourceError(message, place=place_of(url), remedy=remedy) from None


class _Remote(io.RawIOBase):
    """A file of a store that raises `SourceError`."""

    def __init__(self, file: Any, url: str) -> None:
        self._file, self._url = file, url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _explained(self._url):
            chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def seek(self, offset: int, whence: int = 0) -> int:
        with _explained(self._url):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())


def _is_http(system: Any) -> bool:
    protocol = system.protocol
    return "http" in ((protocol,) if isinstance(protocol, str) else protocol)


def _hidden(name: str, folder: str) -> bool:
    inside = name.removeprefix(folder)
    return any(part.startswith(".") for part in inside.split(posixpath.sep))
