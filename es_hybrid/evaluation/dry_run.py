"""What a merchandising rule would change: searches with and without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from es_hybrid.evaluation.differences import ShownHit
from es_hybrid.evaluation.judging.clicks.log import LogNotes, read_log
from es_hybrid.evaluation.judging.formats.rated import Reject
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.retrieval.response import FiredRule, SearchResponse
from es_hybrid.search import HybridSearch


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """One query without a rule and with it; the other rules apply in both.

    Attributes:
        fired: What the rule did; None if the query does not meet its criteria.
        before: The first hits without the rule.
        after: The first hits with it.
        totals: Products found without the rule, and with it.
        redirect: Address that the shop would show with it, of this rule or another.
    """

    query: str
    fired: FiredRule | None
    before: Sequence[ShownHit]
    after: Sequence[ShownHit]
    totals: tuple[int, int]
    redirect: str | None

    @property
    def new(self) -> list[str]:
        """Ids that come in, in their order."""
        return [hit.id for hit in self.after if hit.id not in self._ranks(self.before)]

    @property
    def gone(self) -> list[str]:
        """Ids that drop out, in their order."""
        return [hit.id for hit in self.before if hit.id not in self._ranks(self.after)]

    @property
    def moved(self) -> dict[str, tuple[int, int]]:
        """Id -> rank before and after, from 1, of those that stay at another rank."""
        before, after = self._ranks(self.before), self._ranks(self.after)
        both = {id_: (before[id_], rank) for id_, rank in after.items() if id_ in before}
        return {id_: ranks for id_, ranks in both.items() if ranks[0] != ranks[1]}

    @staticmethod
    def _ranks(hits: Sequence[ShownHit]) -> dict[str, int]:
        return {hit.id: rank for rank, hit in enumerate(hits, 1)}


def dry_run(
    shop: HybridSearch,
    rule: Rule,
    queries: Sequence[str],
    *,
    size: int = 10,
    context: Mapping[str, Any] | None = None,
) -> Iterator[DryRun]:
    """Search each query without the rule and with it.

    Args:
        rule: Stored or not, draft or not. The time when it is valid does not matter.
        size: Number of hits to compare.
        context: Facts about the caller; see `SearchRequest`.

    Raises:
        EsHybridError: as `HybridSearch.search`.
    """
    without, having = shop.with_rule(rule.id, None), shop.with_rule(rule.id, rule)
    for query in queries:
        before, after = (
            each.search(query, size=size, context=context or {}) for each in (without, having)
        )
        yield DryRun(
            query=query,
            fired=next((each for each in after.rules if each.id == rule.id), None),
            before=_shown(before),
            after=_shown(after),
            totals=(before.total, after.total),
            redirect=after.redirect,
        )


def last_queries(paths: Sequence[Path], count: int, reject: Reject) -> list[str]:
    """The queries that shoppers asked last, each once, the latest first.

    Args:
        paths: Logs; see `read_log`.
        reject: Called with every line that cannot be used.

    Raises:
        EvaluationError: a file cannot be read.
    """
    asked: dict[str, tuple[str, int]] = {}
    for place, search in enumerate(read_log(paths, reject, LogNotes())):
        asked[search.query] = max(asked.get(search.query, ("", 0)), (search.time, place))
    return sorted(asked, key=lambda query: asked[query], reverse=True)[:count]


def _shown(response: SearchResponse) -> list[ShownHit]:
    return [ShownHit(hit.id, hit.product.title) for hit in response.hits]
