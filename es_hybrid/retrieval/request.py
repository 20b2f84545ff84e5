"""What a shopper asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from es_hybrid.errors import SettingsError
from es_hybrid.retrieval.compile.filters import Filters

Mode = Literal["hybrid", "bm25", "knn"]

# Elasticsearch's default for `index.max_result_window`, and its limit for `num_candidates`.
MAX_WINDOW = 10_000
# Of the query. With some thousand words the cluster's clause limit refuses the whole search.
MAX_QUERY_CHARS = 1000


class SearchOptions(TypedDict, total=False):
    """Everything a `SearchRequest` takes beside its text, and described there."""

    mode: Mode
    filters: Filters
    selected: Filters
    facets: Sequence[str]
    sort: Sequence[str]
    page: int
    size: int
    collapse: str | None
    highlight: Sequence[str]
    explain: bool
    cutoff: float | None
    pinned: Sequence[str]
    rerank: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One search.

    Attributes:
        text: Any text but a blank one; only its first `MAX_QUERY_CHARS` characters count.
        filters: See `retrieval.filters.filter_clauses`. Both legs look only among what they leave.
        selected: Filters of the same form, by the values a shopper ticked in facets: they cut
            what was found and all other facets, but not the facet of their own field.
        facets: Keyword, number or date fields to count; of a number also `price:50,100`, which
            counts what lies below, between and above these bounds.
        sort: `price` or `date:desc`, the first counts most. Sorted are the candidates: of the best
            `search.window` hits those above the cutoff. Total, facets and pages are then theirs.
        page: From 1.
        size: Hits on a page; page * size <= `MAX_WINDOW`.
        collapse: Keyword or number field; of its equal values only the best candidate is shown.
        highlight: Text fields whose matching words are marked, see `Hit.highlight`.
        explain: Whether each hit says how its score came about.
        cutoff: In [0, 1]. Candidates with a smaller share of the best fused score are dropped;
            by default none, and when sorting those below `search.sort_cutoff`.
        pinned: Ids that come first, in this order, if they pass the filters.
        rerank: Whether a configured reranker is asked.
    """

    text: str
    mode: Mode = "hybrid"
    filters: Filters = field(default_factory=dict)
    selected: Filters = field(default_factory=dict)
    facets: Sequence[str] = ()
    sort: Sequence[str] = ()
    page: int = 1
    size: int = 10
    collapse: str | None = None
    highlight: Sequence[str] = ()
    explain: bool = False
    cutoff: float | None = None
    pinned: Sequence[str] = ()
    rerank: bool = True

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
        if self.cutoff is not None and not 0 <= self.cutoff <= 1:
            raise SettingsError(
                f"a cutoff of {self.cutoff} is out of range",
                place="cutoff",
                remedy="give a share of the best score, from 0 to 1",
            )
        for name in ("facets", "sort", "highlight", "pinned"):
            # A text is a sequence too, of letters.
            if isinstance(getattr(self, name), str):
                raise SettingsError(
                    "one text where a list is needed", place=name, remedy="put it into a list"
                )

    @property
    def words(self) -> str:
        """What is searched for. Half a surrogate pair, which JSON cannot carry, becomes U+FFFD."""
        text = self.text.strip()[:MAX_QUERY_CHARS]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    @property
    def is_cut(self) -> bool:
        """Whether the text was too long."""
        return len(self.text.strip()) > MAX_QUERY_CHARS

    @property
    def first(self) -> int:
        """Hits before this page."""
        return (self.page - 1) * self.size

    @property
    def of_candidates(self) -> bool:
        """Whether total, facets and pages describe the candidates and not every match."""
        return bool(self.sort) or self.collapse is not None or self.cutoff is not None
