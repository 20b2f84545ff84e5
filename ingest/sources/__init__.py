"""Sources as streams of rows.

An unreadable row is returned as a row with a `problem`; an unreadable source raises `SourceError`
from the iterator. The same source gives the same rows in the same order, unreadable ones included
(an index only while nobody writes to it).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from es_hybrid.errors import SourceError
from ingest.sources.finding import find_sources
from ingest.sources.opening import fingerprint
from ingest.sources.source import (
    FILE_FORMATS,
    STDIN,
    Format,
    Row,
    Source,
    can_be_read_again,
    estimated_rows,
    guess_format,
    known_format,
    place_of,
    value_at,
)

if TYPE_CHECKING:
    from es_hybrid.settings import Settings
    from ingest.sources.exports.export import Export

__all__ = [
    "FILE_FORMATS",
    "STDIN",
    "Format",
    "Row",
    "Source",
    "can_be_read_again",
    "check_source",
    "estimated_rows",
    "find_sources",
    "fingerprint",
    "guess_format",
    "open_rows",
    "place_of",
    "sampled_rows",
]


def open_rows(
    path: str,
    file_format: Format,
    *,
    required: Sequence[str] = (),
    wanted: Sequence[str] = (),
    settings: Settings | None = None,
    say: Callable[[str], None] = lambda _: None,
    found: Callable[[Export], None] = lambda _: None,
) -> Generator[Row, None, None]:
    """The rows of a source, read on demand. Close the generator unless you read it to the end.

    Args:
        path: As in `Source`.
        file_format: Of a platform, e.g. `shopify`: the path's name shows the format, else it is
            CSV, and it must be that platform's export. Otherwise an export is recognized.
        required: Columns that a table or a Parquet file must have.
        wanted: Columns that will be read, or dotted paths to values inside objects, which rows then
            have under these paths. Empty reads all of Parquet or of an index. In a table, only
            these and the required columns must differ in their names.
        settings: How exports become products, and the cluster of an index; None means the defaults.
        say: Called with a line about what is not as usual in the source, such as its encoding.
        found: Called with the export, if the source is one.

    Raises:
        SourceError: from the iterator, as soon as the source turns out to be unreadable.
    """
    wanted = tuple(filter(None, wanted))  # an empty one is of a field that is left out
    paths = [name for name in dict.fromkeys((*required, *wanted)) if "." in name]
    rows = _opened(path, file_format, required, wanted, settings, say, found)
    return _with_nested(rows, paths) if paths else rows


def _with_nested(
    rows: Generator[Row, None, None], paths: Sequence[str]
) -> Generator[Row, None, None]:
    """The rows with the values at dotted paths under these paths."""
    with closing(rows):
        for row in rows:
            values = {path: value_at(row.values, path) for path in paths}
            present = {path: value for path, value in values.items() if value is not None}
            yield replace(row, values={**row.values, **present}) if present else row


def _opened(
    path: str,
    file_format: Format,
    required: Sequence[str],
    wanted: Sequence[str],
    settings: Settings | None,
    say: Callable[[str], None],
    found: Callable[[Export], None],
) -> Generator[Row, None, None]:
    if file_format == "parquet":
        from ingest.sources.parquet import read_parquet

        return read_parquet(path, required=required, wanted=wanted)
    if file_format == "elasticsearch":
        from ingest.sources.documents import read_documents

        return read_documents(path, wanted=wanted, settings=settings)
    from es_hybrid.settings import IngestSettings
    from ingest.sources.exports import PLATFORMS, ExportDetection

    platform = file_format if file_format in PLATFORMS else ""
    if platform:
        file_format = known_format(path) or "csv"
    ingest = settings.ingest if settings else IngestSettings()
    exports = ExportDetection(platform, ingest, found=found, say=say)
    if file_format in ("jsonl", "json"):
        from ingest.sources.json_text import read_json

        return exports.objects(read_json(path, file_format, say=say), place_of(path))
    if file_format == "xml":
        from ingest.sources.xml_feed import read_xml

        return exports.objects(read_xml(path), place_of(path))
    if file_format == "xlsx":
        from ingest.sources.workbook import read_workbook

        return read_workbook(path, required=required, wanted=wanted, say=say)
    from ingest.sources.delimited import read_delimited

    return read_delimited(
        path, file_format, exports=exports, required=required, wanted=wanted, say=say
    )


def check_source(
    path: str,
    file_format: Format,
    *,
    required: Sequence[str] = (),
    wanted: Sequence[str] = (),
    settings: Settings | None = None,
) -> None:
    """Open a source and read its first row. A pipe is not checked, since it can be read only once.

    Raises:
        SourceError: missing, a folder, empty, in another format, or without a required column.
    """
    if not can_be_read_again(path):
        return
    rows = open_rows(path, file_format, required=required, wanted=wanted, settings=settings)
    with closing(rows):
        next(rows)


def sampled_rows(
    files: Sequence[str],
    file_format: Format | None,
    *,
    settings: Settings,
    count: int,
    found: Callable[[Export], None],
) -> list[Mapping[str, Any]]:
    """The values of the first `count` readable rows; `found` as in `open_rows`.

    Raises:
        SourceError: a source cannot be read, or none of its first rows can.
    """
    with closing(_readable_values(files, file_format, settings, found)) as rows:
        sample = list(islice(rows, count))
    if not sample:
        raise SourceError(
            "no row can be read",
            place=", ".join(map(place_of, files)),
            remedy="run `es-hybrid ingest check` to see why",
        )
    return sample


def _readable_values(
    files: Sequence[str],
    file_format: Format | None,
    settings: Settings,
    found: Callable[[Export], None],
) -> Generator[Mapping[str, Any], None, None]:
    for path, its_format in find_sources(files, file_format):
        with closing(open_rows(path, its_format, settings=settings, found=found)) as rows:
            yield from (row.values for row in rows if not row.problem and not row.skipped)
