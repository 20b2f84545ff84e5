"""Product exports of shop platforms: recognized by their columns, read without a field mapping.

Each platform has a module, which turns the export's rows into rows that hold the product fields
under their own names, next to the export's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from es_hybrid.errors import SourceError
from es_hybrid.settings import IngestSettings
from ingest.sources.exports import google, magento, shopify, shopify_json, woocommerce
from ingest.sources.exports.export import Export
from ingest.sources.source import Row

EXPORTS = (
    shopify.EXPORT,
    shopify_json.EXPORT,
    woocommerce.EXPORT,
    magento.EXPORT,
    google.EXPORT,
)
# The values of `--format` for exports.
PLATFORMS = frozenset(export.name for export in EXPORTS)
# Unreadable rows before the first readable one, which shows what a source without a header is.
_UNREADABLE_FIRST = 100


class ExportDetection:
    """Recognizes a source as an export and passes its rows on as products.

    Args:
        chosen: The name of the export that the source must be; empty: any, or none.
        found: Called with the export, once it is recognized.
        say: Called with a line about that.
    """

    def __init__(
        self,
        chosen: str,
        settings: IngestSettings,
        *,
        found: Callable[[Export], None],
        say: Callable[[str], None],
    ) -> None:
        self._chosen, self._settings, self._found, self._say = chosen, settings, found, say

    def table(
        self, rows: Iterator[Row], header: Sequence[str], place: str
    ) -> tuple[Iterator[Row], Sequence[str]]:
        """The rows and columns of a table with this header, as products if it is an export.

        Raises:
            SourceError: it is not the chosen export.
        """
        export = self._recognized(header, {}, place)
        if export is None:
            return rows, header
        produced = (name for name in export.columns if name not in header)
        return export.products(rows, self._settings), [*header, *produced]

    def objects(self, rows: Iterator[Row], place: str) -> Generator[Row, None, None]:
        """The rows of a source without a header, as products if the first one looks like that.

        Raises:
            SourceError: it is not the chosen export.
        """
        head: list[Row] = []
        for row in islice(rows, _UNREADABLE_FIRST):
            head.append(row)
            if not row.problem:
                break
        values = head[-1].values if head else {}
        export = self._recognized(list(values), values, place)
        everything = chain(head, rows)
        yield from everything if export is None else export.products(everything, self._settings)

    def _recognized(
        self, names: Sequence[str], values: Mapping[str, Any], place: str
    ) -> Export | None:
        columns = frozenset(name.lower() for name in names)
        possible = [export for export in EXPORTS if self._chosen in ("", export.name)]
        export = next((each for each in possible if each.recognizes(columns, values)), None)
        if export is not None:
            self._found(export)
            self._say(f"{place}: read as {export.label}")
        elif self._chosen:
            expected = possible[0]
            raise SourceError(
                f"these are not the columns of {expected.label}",
                place=place,
                remedy=f"{expected.remedy}, or set another --format",
            )
        return export
