"""Tables of ratings: ESCI, WANDS, Quepid and Chorus."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.json_elements import elements
from es_hybrid.evaluation.judging.formats.rated import RatedPair, Reject, file_of
from es_hybrid.evaluation.judging.formats.text import rows

# Languages of the marketplaces in ESCI.
_LANGUAGES = {"us": "en", "es": "es", "jp": "ja"}
# Columns with the rating that counts, if several people rated.
_RATINGS = ("rating", "final_rating")
# Columns of a table of ratings that are no rater's.
_OF_THE_PRODUCT = ("query", "docid", "name", "title", "description", "image", "url")
_BATCH = 10_000


def esci(paths: Sequence[Path], reject: Reject) -> Iterator[RatedPair]:
    """Amazon's Shopping Queries: `shopping_queries_dataset_examples.parquet`, or the same as CSV.

    Raises:
        EvaluationError: the file cannot be read, or lacks a column.
    """
    (path,) = file_of(paths, 1, "the file of examples")
    needed = ("query_id", "query", "product_id", "esci_label")
    read = _parquet_rows(path, needed) if path.suffix == ".parquet" else rows(path, reject)
    for place, row in _with_columns(path, read, needed):
        if usable := _present(row, needed, place, reject):
            yield RatedPair(
                query_id=usable["query_id"],
                query=usable["query"],
                lang=_LANGUAGES.get(row.get("product_locale") or "", ""),
                id=usable["product_id"],
                rating=usable["esci_label"],
                place=place,
            )


def wands(paths: Sequence[Path], reject: Reject) -> Iterator[RatedPair]:
    """Wayfair's WANDS: `query.csv` and `label.csv`, in any order, separated by tabs.

    Raises:
        EvaluationError: a file cannot be read, or lacks a column.
    """
    queries, labels = sorted(file_of(paths, 2, "query.csv and label.csv"), key=_has_labels)
    texts = {}
    asked = ("query_id", "query")
    for place, row in _with_columns(queries, rows(queries, reject), asked):
        if usable := _present(row, asked, place, reject):
            texts[usable["query_id"]] = usable["query"]
    needed = ("query_id", "product_id", "label")
    for place, row in _with_columns(labels, rows(labels, reject), needed):
        usable = _present(row, needed, place, reject)
        if usable is None:
            continue
        query_id = usable["query_id"]
        if query_id not in texts:
            reject(_unknown_query(query_id, place, queries))
            continue
        yield RatedPair(
            query_id=query_id,
            query=texts[query_id],
            lang="en",
            id=usable["product_id"],
            rating=usable["label"],
            place=place,
        )


def ratings(paths: Sequence[Path], reject: Reject) -> Iterator[RatedPair]:
    """Quepid's exports, which Chorus uses: CSV of a case or a book, and the JSON of RRE.

    A book has one column for each rater: the lower median of a row counts. Chorus adds a column
    `final_rating`, which counts instead. Documents without a rating are left out.

    Raises:
        EvaluationError: a file cannot be read, or lacks a column.
    """
    for path in paths:
        yield from (_rre if path.suffix == ".json" else _rated_table)(path, reject)


def _rated_table(path: Path, reject: Reject) -> Iterator[RatedPair]:
    needed = ("query", "docid")
    for place, row in _with_columns(path, rows(path, reject), needed):
        if not row["docid"]:
            continue  # Quepid lists a query without a rated document by its text alone
        usable = _present(row, needed, place, reject)
        rating = _rating(row, place, reject)
        if usable and rating:
            yield RatedPair(query=usable["query"], id=usable["docid"], rating=rating, place=place)


def _rating(row: Mapping[str, str], place: str, reject: Reject) -> str:
    for name in _RATINGS:
        if name in row:
            return row[name]
    given = [value for name, value in row.items() if name not in _OF_THE_PRODUCT and value]
    try:
        return f"{statistics.median_low([float(value) for value in given]):g}" if given else ""
    except ValueError:
        reject(
            EvaluationError(
                f"a rating of {given} is no number",
                place=place,
                remedy="keep the columns query, docid and the raters'",
            )
        )
        return ""


def _rre(path: Path, reject: Reject) -> Iterator[RatedPair]:
    """Queries with `placeholders.$query` and `relevant_documents`: rating -> ids."""
    for place, element in elements(path, "queries"):
        try:
            query = str(element["placeholders"]["$query"])
            pairs = [
                (rating, str(id_))
                for rating, ids in element["relevant_documents"].items()
                for id_ in _ids(ids)
            ]
        except (KeyError, TypeError, AttributeError):
            reject(
                EvaluationError(
                    "no query with `placeholders` and `relevant_documents`",
                    place=place,
                    remedy="export the ratings from Quepid as RRE or CSV",
                )
            )
            continue
        for rating, id_ in pairs:
            yield RatedPair(query=query, id=id_, rating=rating, place=place)


def _ids(given: object) -> list[object]:
    """RRE's own files have an object with the ids and the gain."""
    found = given.get("ids") if isinstance(given, Mapping) else given
    if not isinstance(found, list):
        raise TypeError(given)
    return found


def _has_labels(path: Path) -> bool:
    first = next(rows(path, lambda error: None), None)
    return first is not None and "label" in first[1]


def _with_columns(
    path: Path, read: Iterable[tuple[str, Mapping[str, str]]], needed: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The rows, after a look at the columns of the first.

    Raises:
        EvaluationError: one is missing.
    """
    for number, (place, row) in enumerate(read):
        if not number and (missing := [name for name in needed if name not in row]):
            raise EvaluationError(
                f"has no column {', '.join(missing)}, only {', '.join(row)}",
                place=str(path),
                remedy="check the format of the file",
            )
        yield place, row


def _present(
    row: Mapping[str, str], needed: Sequence[str], place: str, reject: Reject
) -> Mapping[str, str] | None:
    empty = [name for name in needed if not row[name]]
    if not empty:
        return row
    reject(
        EvaluationError(f"no {', '.join(empty)}", place=place, remedy="fill in or remove the row")
    )
    return None


def _parquet_rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(`file:row`, values as texts), batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = [
                name for name in file.schema_arrow.names if name in (*needed, "product_locale")
            ]
            number = 0
            for batch in file.iter_batches(_BATCH, columns=names):
                for row in batch.to_pylist():
                    number += 1
                    texts = {name: "" if row[name] is None else str(row[name]) for name in names}
                    yield f"{path}:{number}", texts
    except (OSError, pa.ArrowException) as error:
        raise EvaluationError(
            f"cannot be read as Parquet: {error}",
            place=str(path),
            remedy="download the file itself; Git stores a pointer to it",
        ) from None


def _unknown_query(query_id: str, place: str, queries: Path) -> EvaluationError:
    return EvaluationError(
        f"query {query_id} is unknown", place=place, remedy=f"add it to {queries}"
    )
