"""Parquet, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from es_hybrid.errors import SourceError
from ingest.sources import STDIN, Row, require_columns
from ingest.sources.opening import opened

_BATCH_ROWS = 1000


def read_parquet(
    path: str, *, required: Sequence[str] = (), wanted: Sequence[str] = ()
) -> Iterator[Row]:
    """The rows as Python values; nulls are left out.

    Raises:
        SourceError: the file cannot be read, is not Parquet, has no rows, or lacks a column.
    """
    if path == STDIN:
        raise SourceError(
            "Parquet cannot be read from standard input: its index stands at the end",
            place=path,
            remedy="save it to a file and name the file",
        )
    with opened(path) as stream:
        yield from _rows(stream, path, required, wanted)


def _rows(
    stream: BinaryIO, path: str, required: Sequence[str], wanted: Sequence[str]
) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(stream)
        columns = file.schema_arrow.names
        require_columns(path, columns, required)
        read = [name for name in columns if name in wanted] if wanted else columns
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=read):
            for values in batch.to_pylist():
                number += 1
                present = {name: value for name, value in values.items() if value is not None}
                yield Row(f"{path}:row {number}", present)
    except pyarrow.ArrowException as error:
        raise SourceError(
            f"not Parquet, or damaged ({error})", place=path, remedy="make or copy the file anew"
        ) from None
    if number == 0:
        raise SourceError("the file has no rows", place=path, remedy="check how it was written")
