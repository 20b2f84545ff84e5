"""Parquet, read in batches of rows."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources.opening import opened
from ingest.sources.source import Row, locate, require_columns
from ingest.sources.unpacking import check_ratio

if TYPE_CHECKING:
    from pyarrow import parquet

_BATCH_ROWS = 1000


def read_parquet(
    path: str, *, required: Sequence[str] = (), wanted: Sequence[str] = ()
) -> Generator[Row, None, None]:
    """The rows as Python values, without nulls.

    Raises:
        SourceError: the file cannot be read, is not Parquet, has no rows, or lacks a column.
    """
    where = locate(path)
    with opened(where) as stream, _seekable(stream) as file:
        yield from _rows(file, where.place, required, wanted)


@contextlib.contextmanager
def _seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream, or a temporary copy of a pipe: Parquet has its index at the end."""
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def _rows(
    stream: BinaryIO, place: str, required: Sequence[str], wanted: Sequence[str]
) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        file = parquet.ParquetFile(stream)
        columns = file.schema_arrow.names
        require_columns(place, columns, required, wanted)
        read = [name for name in columns if name in wanted] if wanted else columns
        _check_size(file.metadata, set(read), place)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=read):
            for values in batch.to_pylist():
                number += 1
                present = {name: value for name, value in values.items() if value is not None}
                yield Row(f"{place}:row {number}", present)
    except pyarrow.ArrowException as error:
        raise SourceError(
            f"not Parquet, or damaged ({error})",
            place=place,
            remedy="create or copy the file again",
        ) from None
    if number == 0:
        raise SourceError("the file has no rows", place=place, remedy="check how it was written")


def _check_size(metadata: parquet.FileMetaData, read: set[str], place: str) -> None:
    """Compare the decompressed size of each row group with its size in the file."""
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        columns = [group.column(number) for number in range(group.num_columns)]
        chosen = [column for column in columns if column.path_in_schema.split(".")[0] in read]
        check_ratio(
            sum(column.total_uncompressed_size for column in chosen),
            sum(column.total_compressed_size for column in chosen),
            place,
        )
