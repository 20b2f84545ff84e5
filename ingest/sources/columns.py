"""The columns a table has, held against those that are needed."""

from __future__ import annotations

from collections.abc import Sequence

from es_hybrid.errors import SourceError


def require_columns(place: str, found: Sequence[str], required: Sequence[str]) -> None:
    """Hold the columns of a file against those that are needed.

    Raises:
        SourceError: naming the missing ones and those found.
    """
    doubled = sorted({name for name in found if found.count(name) > 1})
    if doubled:
        raise SourceError(
            f"two columns have the same name: {', '.join(map(repr, doubled))}",
            place=place,
            remedy="rename one of them in the file",
        )
    missing = [name for name in required if name not in found]
    if missing:
        shown = ", ".join(map(repr, found[:30])) + (", …" if len(found) > 30 else "")
        raise SourceError(
            f"no column {' and no column '.join(map(repr, missing))}; it has {shown}",
            place=place,
            remedy="say which column it is: --map id=COLUMN, or ingest.fields in the settings "
            "(`es-hybrid ingest map` proposes them)",
        )
