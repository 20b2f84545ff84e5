"""What a shopper asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from es_hybrid.errors import SettingsError
from es_hybrid.retrieval.filters import Filters

Mode = Literal["hybrid", "bm25", "knn"]

# Elasticsearch's default for `index.max_result_window`, and its limit for `num_candidates`.
MAX_WINDOW = 10_000
# Of the query. With some thousand words the cluster's clause limit refuses the whole search.
MAX_QUERY_CHARS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One search.

    Attributes:
        text: Any text but a blank one; only its first `MAX_QUERY_CHARS` characters count.
        filters: See `retrieval.filters.filter_clauses`.
        facets: Keyword fields to count over all products found.
        page: From 1.
        size: Hits on a page; page * size <= `MAX_WINDOW`.
    """

    text: str
    mode: Mode = "hybrid"
    filters: Filters = field(default_factory=dict)
    facets: Sequence[str] = ()
    page: int = 1
    size: int = 10

    def __post_init__(self) -> None:
        """Refuse what no stage could answer."""
        if not self.text.strip():
            raise SettingsError("the query is blank", place="query", remedy="give it a word")
        if self.page < 1 or self.size < 1 or self.page * self.size > MAX_WINDOW:
            raise SettingsError(
                f"page {self.page} of {self.size} hits is out of reach",
                place="query",
                remedy=f"keep page and size at 1 or more, and page * size at {MAX_WINDOW} or less",
            )
