"""Search bodies of platforms: where they hold the shopper's text.

Read in the platforms' own query builders; docs/rewriting.md describes each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from es_hybrid.settings.rewrite import FormName

# Elasticsearch's queries for words, and where their text is.
_WORDS = (
    "multi_match.query", "combined_fields.query", "match.*", "match_phrase.*",
    "match_bool_prefix.*", "query_string.query", "simple_query_string.query",
)  # fmt: skip


def _anything(body: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class BodyForm:
    """The search body of a platform.

    Attributes:
        paths: Paths of the text, see `TextPath`. A later one counts if the earlier find nothing.
        searches: Whether a body with a text is a search, and not a completion.
    """

    paths: tuple[str, ...]
    searches: Callable[[Mapping[str, Any]], bool] = _anything


def _is_no_completion(body: Mapping[str, Any]) -> bool:
    """Elasticsuite's completions of what is being typed count hits up to 0.

    Its searches for GraphQL have `false` there, and another search that counts.
    """
    tracked = body.get("track_total_hits")
    return tracked is False or tracked not in (0, "0")


FORMS: Mapping[FormName, BodyForm] = {
    # The text's query is all of `must`, or inside the rules that pin and boost.
    "searchkit": BodyForm(tuple(f"query.bool.must.**.{words}" for words in _WORDS)),
    # A completion has its query in `must` directly.
    "search-ui": BodyForm(("query.bool.must[*].bool.should[*].multi_match.query",)),
    # `must` has visibility, category and price; the text is in all clauses of `should`.
    "magento": BodyForm(
        (
            "query.bool.should[*].match.*",
            "query.bool.should[*].match_phrase.*",
            "query.bool.should[*].match_phrase_prefix.*",
        )
    ),
    # Optimizers put a `function_score` around, thesauri several searches into a `should`.
    "elasticsuite": BodyForm(("query.**.must.**.multi_match.query",), _is_no_completion),
    # A `bool` for each word, and one for the whole text.
    "shopware": BodyForm(("query.**.match.*", "query.**.multi_match.query")),
    "saleor": BodyForm(
        tuple(f"{place}.{words}" for words in _WORDS for place in ("query.bool.must[*]", "query"))
    ),
}
