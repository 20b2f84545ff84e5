"""What tells whether a source is still the one whose first rows were loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

from es_hybrid.errors import SourceError
from ingest.sources.archives import split_member
from ingest.sources.finding import can_be_read_again
from ingest.sources.source import is_index, is_url, place_of

# Of the head and of the tail. A change in between that keeps size and time is no accident.
_PEEK_BYTES = 64 * 1024


def fingerprint(path: str) -> str | None:
    """A text that changes with the source; None where none can be told (pipes, indices).

    Of a file: size, time of change, and SHA-256 over head and tail; of a member its archive's;
    behind a URL what the store tells.

    Raises:
        SourceError: absent, or not readable.
    """
    path = split_member(path)[0]
    if is_index(path) or not can_be_read_again(path):
        return None
    if is_url(path):
        from ingest.sources.remote import fingerprint_of

        return fingerprint_of(path)
    try:
        return _of_file(Path(path))
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}",
            place=place_of(path),
            remedy="check the path, and the file's rights",
        ) from None


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_PEEK_BYTES))
        size = file.seek(0, 2)
        file.seek(max(size - _PEEK_BYTES, 0))
        digest.update(file.read(_PEEK_BYTES))
    return f"{size} {path.stat().st_mtime_ns} {digest.hexdigest()}"
