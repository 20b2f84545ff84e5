"""Parquet, read in batches of rows.

A few kilobytes can hold one long text that every row of a dictionary column repeats. So texts stay
dictionaries until their expanded size is known, and no more rows are expanded at once than fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from es_hybrid.errors import SourceError
from ingest.sources.opening import opened, seekable
from ingest.sources.source import Row, locate, require_columns, unreadable
from ingest.sources.unpacking import check_ratio

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Schema, parquet

_BATCH_ROWS = 1000
# Texts that are expanded at once.
_MAX_TEXT_BYTES = 16 * 1024**2
# Of a value without texts, as Arrow stores it.
_VALUE_BYTES = 8


def read_parquet(
    path: str, *, required: Sequence[str] = (), wanted: Sequence[str] = ()
) -> Generator[Row, None, None]:
    """The rows as Python values, without nulls.

    Raises:
        SourceError: the file cannot be read, is not Parquet, has no rows, or lacks a column.
    """
    where = locate(path)
    with opened(where) as stream, seekable(stream) as file:
        yield from _rows(file, where.place, required, wanted)


def _rows(
    stream: BinaryIO, place: str, required: Sequence[str], wanted: Sequence[str]
) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        file = parquet.ParquetFile(stream)
        leaves = [file.schema.column(index) for index in range(len(file.schema))]
        plain = file.schema_arrow
        require_columns(place, [*plain.names, *_paths(plain)], required, wanted)
        read = _chosen(plain.names, wanted)
        packed = _check_size(file.metadata, set(read), place)
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        file = parquet.ParquetFile(stream, read_dictionary=texts)
        fixed = sum(max(leaf.length or 0, 0) for leaf in leaves if leaf.path.split(".")[0] in read)
        size = max(min(_BATCH_ROWS, _MAX_TEXT_BYTES // max(fixed, 1)), 1)
        unpacked = 0
        for batch in file.iter_batches(batch_size=size, columns=read):
            for part, text_bytes in _parts(batch):
                unpacked += text_bytes
                check_ratio(unpacked, packed, place)
                for values in _values(part, text_bytes, plain):
                    number += 1
                    yield _row(values, f"{place}:row {number}")
    except pyarrow.ArrowException as error:
        raise SourceError(
            f"not Parquet, or damaged ({error})",
            place=place,
            remedy="create or copy the file again",
        ) from None
    if number == 0:
        raise SourceError("the file has no rows", place=place, remedy="check how it was written")


def _row(values: dict[str, Any] | None, place: str) -> Row:
    if values is None:
        return unreadable(
            place,
            f"the texts of the row are longer than {_MAX_TEXT_BYTES:,} bytes",
            remedy="shorten them",
            raw="",
        )
    return Row(place, {name: value for name, value in values.items() if value is not None})


def _paths(parent: Any) -> Iterator[str]:
    """The dotted paths of the fields inside objects."""
    import pyarrow

    for field in parent:
        kind = field.type
        while pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
            kind = kind.value_type
        if pyarrow.types.is_struct(kind):
            inside = [kind.field(index) for index in range(kind.num_fields)]
            yield from (f"{field.name}.{one.name}" for one in inside)
            yield from (f"{field.name}.{path}" for path in _paths(inside))


def _chosen(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The columns to read: those wanted or with a wanted value inside, each name once."""
    roots = {path[:end] for path in wanted for end in _ends(path)}
    counts = Counter(names)
    return [name for name in names if counts[name] == 1 and (not wanted or name in roots)]


def _ends(path: str) -> list[int]:
    """Where a column's name may end in a dotted path."""
    return [*(index for index, char in enumerate(path) if char == "."), len(path)]


def _parts(batch: RecordBatch) -> Iterator[tuple[RecordBatch, int]]:
    """Slices whose expanded texts fit, or of one row, with the bytes of these texts."""
    text_bytes = sum(map(_text_bytes, batch.columns))
    half = batch.num_rows // 2
    if half == 0 or text_bytes <= _MAX_TEXT_BYTES:
        yield batch, text_bytes
        return
    yield from _parts(batch.slice(0, half))
    yield from _parts(batch.slice(half))


def _text_bytes(array: Any) -> int:
    """The bytes of the texts in an array, expanded."""
    import pyarrow
    from pyarrow import compute

    kind = array.type
    if pyarrow.types.is_dictionary(kind):
        lengths = compute.binary_length(array.dictionary)
        return int(compute.sum(lengths.take(array.indices)).as_py() or 0)
    if pyarrow.types.is_map(kind):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return sum(
            _text_bytes(part.slice(first, last - first)) for part in (array.keys, array.items)
        )
    if pyarrow.types.is_struct(kind):
        return sum(map(_text_bytes, array.flatten()))
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return _text_bytes(array.flatten())
    return 0


def _values(
    batch: RecordBatch, text_bytes: int, plain: Schema
) -> list[dict[str, Any]] | list[None]:
    """The rows as Python values; none of a row that is too long."""
    if text_bytes > _MAX_TEXT_BYTES:
        return [None]
    import pyarrow

    fields = [plain.field(name) for name in batch.schema.names]
    return batch.cast(pyarrow.schema(fields)).to_pylist()


def _check_size(metadata: parquet.FileMetaData, read: set[str], place: str) -> int:
    """Compare the size of each row group with its size in the file, and return the latter's sum."""
    packed = 0
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        columns = [group.column(number) for number in range(group.num_columns)]
        chosen = [column for column in columns if column.path_in_schema.split(".")[0] in read]
        # Millions of equal values in one row take a few bytes in the file.
        nested = sum(column.num_values for column in chosen if column.num_values > group.num_rows)
        unpacked = sum(column.total_uncompressed_size for column in chosen) + nested * _VALUE_BYTES
        compressed = sum(column.total_compressed_size for column in chosen)
        check_ratio(unpacked, compressed, place)
        packed += compressed
    return packed
