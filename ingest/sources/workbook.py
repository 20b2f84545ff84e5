"""Excel workbooks (XLSX): the first sheet with rows, with column names in its first row."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, BinaryIO

from es_hybrid.errors import MissingExtra, SourceError
from ingest.sources.opening import opened, seekable
from ingest.sources.recognizing import check_kind
from ingest.sources.source import Row, locate, require_columns
from ingest.sources.table import Columns, is_blank
from ingest.sources.unpacking import check_ratio

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

# openpyxl keeps these in memory as a whole; no shop has as much text.
_MAX_SHARED_BYTES = 256 * 1024**2
# A number format such as 0000000000000, which shows the zeros in front.
_ZEROS = re.compile("0{2,}")


def read_workbook(
    path: str,
    *,
    required: Sequence[str] = (),
    wanted: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Generator[Row, None, None]:
    """The rows as text, numbers and truth values by column name. An empty cell counts as missing.

    A whole number has no fraction, and the zeros in front that its format shows; a date is ISO
    8601.

    Args:
        say: Called with a line about sheets that are not read.

    Raises:
        SourceError: the file cannot be read, is no workbook, has no rows, or lacks a column.
        MissingExtra: openpyxl is not installed.
    """
    where = locate(path)
    place = where.place
    with opened(where) as stream, seekable(stream) as file:
        check_kind(file, place, may_be="xlsx")
        _check_sizes(file, place)
        sheet, others = _sheet(file, place)
        if others:
            say(f"{place}: read the sheet {sheet.title!r}, not {', '.join(map(repr, others))}")
        rows = ((number, row) for number, row in _rows(sheet, place) if not is_blank(row))
        columns = Columns(str(name) for name in next(rows)[1])
        require_columns(place, columns.found, required, wanted)
        empty = True
        for number, row in rows:
            empty = False
            yield Row(f"{place}:row {number}", columns.values(row))
        if empty:
            raise SourceError(
                "the sheet has a header but no rows",
                place=place,
                remedy="check how it was written",
            )


def _check_sizes(file: BinaryIO, place: str) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile as error:
        raise _damaged(error, place) from None
    file.seek(0)
    check_ratio(sum(p.file_size for p in parts), sum(p.compress_size for p in parts), place)
    shared = sum(p.file_size for p in parts if "/worksheets/" not in p.filename)
    if shared > _MAX_SHARED_BYTES:
        raise SourceError(
            f"its texts take {shared / 2**20:,.0f} MiB (limit: {_MAX_SHARED_BYTES / 2**20:,.0f})",
            place=place,
            remedy="save it as CSV (UTF-8)",
        )


def _sheet(file: BinaryIO, place: str) -> tuple[ReadOnlyWorksheet, list[str]]:
    """The first visible sheet with a row, and the titles of the others that have one."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MissingExtra("openpyxl, which reads workbooks,", "xlsx") from None
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # as in `_rows`
        raise _damaged(error, place) from None
    sheets = [
        sheet
        for sheet in book.worksheets
        if sheet.sheet_state == "visible"
        and any(not is_blank(row) for _, row in _rows(sheet, place))
    ]
    if not sheets:
        raise SourceError(
            "the workbook has no rows", place=place, remedy="check how it was written"
        )
    first, *others = sheets
    return first, [sheet.title for sheet in others]


def _rows(sheet: ReadOnlyWorksheet, place: str) -> Iterator[tuple[int, list[Any]]]:
    """Number and values of each row; empty cells are empty texts."""
    sheet.reset_dimensions()  # they may be wrong
    try:
        for number, cells in enumerate(sheet.rows, start=1):
            yield number, [_value(cell) for cell in cells]
    except Exception as error:  # openpyxl raises whatever a damaged part leads to
        raise _damaged(error, place) from None


def _value(cell: Any) -> Any:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        digits = len(found[0]) if (found := _ZEROS.fullmatch(cell.number_format)) else 0
        return f"{value:0{digits}}" if digits else value
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | time) else value


def _damaged(error: Exception, place: str) -> SourceError:
    return SourceError(
        f"no workbook, or damaged ({type(error).__name__}: {error})",
        place=place,
        remedy="save it again as XLSX, or as CSV (UTF-8)",
    )
