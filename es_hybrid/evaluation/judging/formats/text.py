"""Lines and rows of text files, with their places. Never holds a whole file in memory."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.rated import Reject

# Bytes that are not UTF-8, as `surrogateescape` decodes them.
_UNDECODED = re.compile("[\udc80-\udcff]")
# Characters of one cell; a description of a product may be long.
_LONGEST_CELL = 1_000_000
_BOM = "\ufeff"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, closed after the block.

    Raises:
        EvaluationError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise EvaluationError("no such file", place=str(path), remedy="check the path") from None
    except OSError as error:
        raise EvaluationError(
            f"cannot be read: {error.strerror}", place=str(path), remedy="name a readable file"
        ) from None


def lines(path: Path, reject: Reject) -> Iterator[tuple[str, str]]:
    """(`file:line`, text) of each line that is not blank; lines that are not UTF-8 are rejected.

    Raises:
        EvaluationError: the file cannot be read.
    """
    with opened(path) as file:
        for number, text in enumerate(_decoded(file), 1):
            place = f"{path}:{number}"
            if _UNDECODED.search(text):
                reject(_not_utf8(place))
            elif text.strip():
                yield place, text.rstrip("\r\n")


def rows(path: Path, reject: Reject) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(`file:line`, column -> value) of each row of a table with a header, tabs or commas between.

    Values are stripped. Rows with another number of cells than the header are rejected, unless
    cells are missing at the end: those are empty.

    Raises:
        EvaluationError: the file cannot be read, or has no header.
    """
    with opened(path) as file:
        text = _decoded(file)
        first = next(text, "")
        delimiter = "\t" if "\t" in first else ","
        header = next(csv.reader([first], delimiter=delimiter), [])
        names = [name.strip() for name in header]
        if not any(names):
            raise EvaluationError("is empty", place=str(path), remedy="start with a header")
        yield from _cells(path, names, csv.reader(text, delimiter=delimiter), reject)


def _cells(
    path: Path, names: list[str], reader: Iterator[list[str]], reject: Reject
) -> Iterator[tuple[str, Mapping[str, str]]]:
    csv.field_size_limit(_LONGEST_CELL)
    while True:
        place = f"{path}:{reader.line_num + 2}"  # type: ignore[attr-defined]  # no public type
        try:
            cells = next(reader, None)
        except csv.Error as error:
            reject(EvaluationError(f"not a row: {error}", place=place, remedy="correct the quotes"))
            continue
        if cells is None:
            return
        if len(cells) > len(names):
            reject(
                EvaluationError(
                    f"{len(cells)} cells under {len(names)} columns",
                    place=place,
                    remedy="put quotes around a cell that contains the separator",
                )
            )
        elif any(_UNDECODED.search(cell) for cell in cells):
            reject(_not_utf8(place))
        elif cells:
            values = [cell.strip() for cell in cells] + [""] * (len(names) - len(cells))
            yield place, dict(zip(names, values, strict=True))


def _decoded(file: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(file):
        text = line.decode("utf-8", "surrogateescape")
        yield text if number else text.removeprefix(_BOM)


def _not_utf8(place: str) -> EvaluationError:
    return EvaluationError("not UTF-8", place=place, remedy="save the file as UTF-8")
