"""The first rows of some sources."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from es_hybrid.errors import SourceError
from es_hybrid.settings import Settings
from ingest.sources import Format, find_sources, open_rows, place_of


def sampled_rows(
    files: Sequence[str], file_format: Format | None, *, settings: Settings, count: int
) -> list[Mapping[str, Any]]:
    """The values of the first `count` rows that can be read.

    Raises:
        SourceError: a source cannot be read, or none of its first rows.
    """
    rows = _values(files, file_format, settings)
    with closing(rows):
        sample = list(islice(rows, count))
    if not sample:
        raise SourceError(
            "not one row can be read",
            place=", ".join(map(place_of, files)),
            remedy="`es-hybrid ingest check` says why",
        )
    return sample


def _values(
    files: Sequence[str], file_format: Format | None, settings: Settings
) -> Generator[Mapping[str, Any], None, None]:
    for path, its_format in find_sources(files, file_format):
        with closing(open_rows(path, its_format, settings=settings)) as rows:
            yield from (row.values for row in rows if not row.problem)
