"""Reads and cleans every row as a load would, and counts the results."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from es_hybrid.errors import EsHybridError, RowError
from es_hybrid.index.document import whole_text
from es_hybrid.records import PRODUCT_FIELDS, Product
from es_hybrid.settings import Settings
from ingest.checking.problems import ProblemGroup, Problems
from ingest.checking.seen_ids import DuplicateId, SeenIds
from ingest.cleaning.clean import Cleaner
from ingest.record.remarks import Remarks
from ingest.sources import Source, open_rows

# Limit of counted categories: a column of titles, mapped by mistake, has millions.
_MAX_CATEGORIES = 10_000


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices in one currency."""

    products: int
    lowest: float
    median: float
    highest: float


@dataclass(frozen=True, slots=True)
class TextLengths:
    """Lengths in characters of the texts to embed, before truncation.

    Attributes:
        cut: Number of texts longer than `ingest.text_max_chars`.
    """

    median: int = 0
    p95: int = 0
    longest: int = 0
    cut: int = 0


@dataclass(slots=True, kw_only=True)
class FeedReport:
    """The contents of a feed.

    Attributes:
        rows: Number of rows, including rejected and skipped ones.
        skipped: Number of rows that intentionally make no product.
        unreadable: Why a source cannot be read, or not to its end.
        notes: How a source was read if not as usual, e.g. its encoding.
        repeated: Number of rows whose id another row has as well; the last one would count.
        remarks: What was skipped, left out or altered.
        duplicates: Some ids that occur more than once.
        filled: Product field -> number of products that have it.
        languages: Tag, or an empty string if unknown -> number of products, most frequent first.
        categories: First level -> number of products, most frequent first.
        paths: Number of different category paths, up to 10,000.
        prices: Currency, or an empty string if unknown -> prices.
    """

    rows: int = 0
    rejected: int = 0
    skipped: int = 0
    problems: list[ProblemGroup] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repeated: int = 0
    remarks: Remarks = field(default_factory=Remarks)
    duplicates: list[DuplicateId] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    paths: int = 0
    prices: dict[str, Prices] = field(default_factory=dict)
    texts: TextLengths = field(default_factory=TextLengths)

    @property
    def products(self) -> int:
        """The number of rows that are fine."""
        return self.rows - self.rejected - self.skipped


def check_feed(settings: Settings, sources: Iterable[Source]) -> FeedReport:
    """Read the sources to their ends, in constant memory.

    Raises:
        SettingsError: the field mapping is wrong.
    """
    cleaner = Cleaner(settings)
    report, problems, facts = FeedReport(), Problems(), _Facts(settings)
    with SeenIds() as seen:
        for source in sources:
            try:
                _read(settings, source, cleaner, report, problems, facts, seen)
            except EsHybridError as error:
                report.unreadable.append(str(error))
        report.repeated, report.duplicates = seen.duplicates()
    report.problems = problems.groups()
    facts.into(report)
    return report


def _read(
    settings: Settings,
    source: Source,
    cleaner: Cleaner,
    report: FeedReport,
    problems: Problems,
    facts: _Facts,
    seen: SeenIds,
) -> None:
    rows = open_rows(
        source.path,
        source.format,
        required=cleaner.required_columns,
        wanted=tuple(cleaner.keys.values()),
        settings=settings,
        say=report.notes.append,
    )
    with closing(rows):
        for row in rows:
            report.rows += 1
            if row.skipped:
                report.skipped += 1
                report.remarks.add(f"skipped: {row.skipped}", row.place)
                continue
            try:
                product, warnings = cleaner.clean(row)
                cleaner.version(row)
            except RowError as problem:
                report.rejected += 1
                problems.add(problem)
                continue
            for warning in warnings:
                report.remarks.add(warning.name, f"{row.place}: {warning.message}")
            facts.add(product)
            seen.add(product.id, row.place)


class _Facts:
    """Counts over the accepted products."""

    def __init__(self, settings: Settings) -> None:
        self._ingest = settings.ingest
        self._filled: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._categories: Counter[str] = Counter()
        self._paths: set[tuple[str, ...]] = set()
        self._prices: dict[str, array[float]] = {}
        self._lengths: array[int] = array("L")

    def add(self, product: Product) -> None:
        self._filled.update(
            name for name in PRODUCT_FIELDS if getattr(product, name) not in ("", (), {}, None)
        )
        self._languages[product.lang] += 1
        if product.category and len(self._paths) < _MAX_CATEGORIES:
            self._paths.add(product.category)
        if product.category and (
            product.category[0] in self._categories or len(self._categories) < _MAX_CATEGORIES
        ):
            self._categories[product.category[0]] += 1
        if product.price is not None:
            self._prices.setdefault(product.currency, array("d")).append(product.price)
        text = whole_text(product, template=self._ingest.text_template)
        self._lengths.append(len(text))

    def into(self, report: FeedReport) -> None:
        report.filled = {name: self._filled[name] for name in PRODUCT_FIELDS}
        report.languages = dict(self._languages.most_common())
        report.categories = dict(self._categories.most_common())
        report.paths = len(self._paths)
        report.prices = {
            currency: Prices(len(amounts), min(amounts), float(np.median(amounts)), max(amounts))
            for currency, amounts in self._prices.items()
        }
        if self._lengths:
            lengths = np.asarray(self._lengths)
            median, p95 = np.percentile(lengths, [50, 95]).astype(int).tolist()
            cut = int((lengths > self._ingest.text_max_chars).sum())
            report.texts = TextLengths(median, p95, int(lengths.max()), cut)
