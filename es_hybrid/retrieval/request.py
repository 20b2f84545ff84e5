"""A shop's search request: one definition for Python, the command line, HTTP and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import InvalidRequest
from es_hybrid.filters import Filters
from es_hybrid.records import GROUP_FIELD
from es_hybrid.settings.signals import Signal, read_signals

Mode = Literal["hybrid", "bm25", "knn"]

# Elasticsearch's default for `index.max_result_window`, and its limit for `num_candidates`.
MAX_WINDOW = 10_000
# Characters of the query. A thousand words exceed the cluster's clause limit, which then refuses
# the whole search.
MAX_QUERY_CHARS = 1000

MAX_SIGNALS = 20
MAX_LANGUAGES = 10  # of `display_lang`

# Characters of a text that a model reads: a query, or an instruction. Models read the first few
# thousand at most, and the time of a tokenizer grows with the whole.
MAX_TEXT_CHARS = 10_000


def _plain(filters: Any) -> Any:
    """Refuse the first value without the form of a filter.

    Pydantic would report five reasons for each value, which takes seconds for a megabyte.
    """
    if isinstance(filters, Mapping):
        for name, value in filters.items():
            for each in value if isinstance(value, list) else [value]:
                if not isinstance(each, str | int | float | Mapping):
                    raise ValueError(f"{name[:100]!r} is not a value, a list, or operators")
    return filters


HttpFilters = Annotated[Filters, BeforeValidator(_plain)]
FieldName = Annotated[str, Field(min_length=1, max_length=512)]
_Fact = str | int | float | bool
ContextValue = _Fact | Sequence[_Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One search. The annotated bounds apply to requests over HTTP.

    Raises:
        InvalidRequest: the request cannot be answered.
    """

    # Read by pydantic, which validates requests over HTTP.
    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
    }

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
    """Words in any language, not blank; the first 1,000 characters are used, cleaned like the texts
    of products."""
    mode: Mode = "hybrid"
    """Which legs to run."""
    filters: HttpFilters = field(default_factory=dict)
    """Field -> a value, a list of values, or `{"operator": ...}` with gt, gte, lt, lte, exists, not
    or nested. Both legs search only what passes."""
    selected: HttpFilters = field(default_factory=dict)
    """Filters for facet values that a shopper ticked. They cut hits and other facets, but not the
    facet of their own field."""
    facets: Annotated[Sequence[FieldName], Field(max_length=50)] = ()
    """Keyword, number or date fields to count; `price:50,100` counts ranges: `*-50`, `50-100`,
    `100-*`."""
    sort: Annotated[Sequence[FieldName], Field(max_length=10)] = ()
    """`price` or `date:desc`, most important first. Sorts the best `search.window` hits above the
    cutoff; total, facets and pages then describe these."""
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Page number, from 1; page * size <= 10,000."""
    size: Annotated[int, Field(ge=1, le=1000)] = 10
    """Hits per page."""
    collapse: FieldName | None = None
    """Keyword or number field with one value; only the best hit of each value is shown, such as the
    best variant of each product. Products without a value are shown one by one. `total` and pages
    count groups."""
    highlight: Annotated[Sequence[FieldName], Field(max_length=50)] = ()
    """Text fields whose matching words are marked."""
    explain: bool = False
    """Whether each hit explains its score."""
    cutoff: Annotated[float | None, Field(ge=0, le=1)] = None
    """Drops hits below this share of the best fused score. Default: none; when sorting,
    `search.sort_cutoff`."""
    pinned: Annotated[Sequence[FieldName], Field(max_length=100)] = ()
    """Ids shown first, in this order, if they pass the filters."""
    correct: bool = True
    """Whether misspelt words are replaced, if `search.spelling` allows it."""
    conditions: bool = True
    """Whether prices, exclusions and the catalogue's own values in the text apply, if
    `search.conditions` allows it."""
    ignore: Annotated[Sequence[FieldName], Field(max_length=20)] = ()
    """Conditions and synonyms to search as plain words: the `text` of entries in `understood` and
    `synonyms` of an earlier answer."""
    floor: bool = True
    """Whether the search may find nothing, if `search.floor` allows it."""
    rerank: bool = True
    """Whether a configured reranker is used."""
    timeout_ms: Annotated[int | None, Field(ge=0, le=600_000)] = None
    """Milliseconds for the whole search; 0: no limit. Default: `search.timeout_ms`."""
    signals: Annotated[Sequence[Signal] | None, Field(max_length=MAX_SIGNALS)] = None
    """What the shop knows of products, such as stock and margin, and how much it counts in the
    order. Default: `search.signals`; an empty list is none."""
    rules: bool = True
    """Whether the merchandising rules apply, if `search.rules` allows it."""
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    """Facts about the caller for the criteria of rules: `{"channel": "b2b", "language": "fr"}`."""
    display_lang: Annotated[Sequence[FieldName], Field(max_length=MAX_LANGUAGES)] = ()
    """Languages, best first. Products that an alignment has grouped, or those with one value of
    `collapse`, become one hit, shown in the first of these languages in which a version passes the
    filters. `zh` finds `zh-CN`, too. Facet values that mean the same become one likewise, and a
    filter by one means all."""
    facets_by: Literal["product", "group"] = "product"
    """What facets count if hits are collapsed: every matching product, or groups."""
    limit_per: Annotated[
        Mapping[FieldName, Annotated[int, Field(ge=1)]] | None, Field(max_length=5)
    ] = None
    """Keyword or number field -> most hits of one value on a page. Further hits move to later
    pages. Default: `search.limit_per`; an empty object is no limit."""
    diversity: Annotated[float | None, Field(ge=0, le=1)] = None
    """How much hits should differ from those above them, by their vectors: 0, not at all, to 1.
    Default: `search.diversity`."""

    def __post_init__(self) -> None:
        """Refuse what no stage could answer."""
        if not clean_query(self.text):
            raise InvalidRequest("the query is blank", place="query", remedy="enter a word")
        if self.page < 1 or self.size < 1 or self.page * self.size > MAX_WINDOW:
            raise InvalidRequest(
                f"page {self.page} of {self.size} hits is out of range",
                place="query",
                remedy=f"keep page and size at 1 or more, and page * size at {MAX_WINDOW} or less",
            )
        if self.cutoff is not None and not 0 <= self.cutoff <= 1:
            raise InvalidRequest(
                f"a cutoff of {self.cutoff} is out of range",
                place="cutoff",
                remedy="give a share of the best score, from 0 to 1",
            )
        if self.diversity is not None and not 0 <= self.diversity <= 1:
            raise InvalidRequest(
                f"a diversity of {self.diversity} is out of range",
                place="diversity",
                remedy="give a number from 0 to 1",
            )
        if any(most < 1 for most in (self.limit_per or {}).values()):
            raise InvalidRequest(
                f"{self.limit_per} leaves nothing to show",
                place="limit_per",
                remedy="allow at least 1 hit of each value",
            )
        for name in ("facets", "sort", "highlight", "pinned", "ignore", "display_lang"):
            # A string is a sequence as well: of letters.
            if isinstance(getattr(self, name), str):
                raise InvalidRequest(
                    "a string where a list is needed", place=name, remedy="put it into a list"
                )
        if self.signals is not None:
            object.__setattr__(self, "signals", read_signals(self.signals))

    @property
    def words(self) -> str:
        """The words to search for, cleaned like the texts of products."""
        return clean_query(self.text)[:MAX_QUERY_CHARS].rstrip()

    @property
    def is_cut(self) -> bool:
        """Whether the text was too long."""
        return len(clean_query(self.text)) > MAX_QUERY_CHARS

    @property
    def first(self) -> int:
        """Number of hits before this page."""
        return (self.page - 1) * self.size

    @property
    def group_field(self) -> str | None:
        """The field whose values are groups; None if hits are not grouped."""
        return self.collapse or (GROUP_FIELD if self.display_lang else None)

    @property
    def of_candidates(self) -> bool:
        """Whether total, facets and pages describe the candidates and not every match."""
        return bool(self.sort) or self.cutoff is not None
