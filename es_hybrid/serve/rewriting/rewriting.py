"""All rules of a server, applied to the searches of a request."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.errors import ElasticsearchError, EsHybridError, RequestRefused
from es_hybrid.http.answers import Headers
from es_hybrid.retrieval.retriever_dsl.objects import whole
from es_hybrid.serve.json_text import check_depth
from es_hybrid.serve.metrics import Metrics
from es_hybrid.serve.rewriting.rules import Fitting, Rewrite
from es_hybrid.serve.search_api.msearch import MsearchItem
from es_hybrid.settings import Settings

logger = logging.getLogger(__name__)


class Rewriting:
    """The rules of a server.

    Args:
        settings: With the rules in `serve.rewrite`.
        metrics: Counts the searches that they fit.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._rules = [Rewrite(rule) for rule in settings.serve.rewrite]
        self._metrics = metrics
        self._window = settings.search.window
        self._max_depth = settings.serve.max_depth

    def candidates(self, index: str | None, text: bytes) -> list[Rewrite]:
        """The rules that may fit a request, before it is decoded.

        Args:
            index: Index of the path; None if each search names its own.
        """
        return [
            rule
            for rule in self._rules
            if (index is None or rule.covers(index)) and rule.may_fit(text)
        ]

    def rewritten(
        self, searches: Sequence[MsearchItem], candidates: Sequence[Rewrite], headers: Headers
    ) -> list[MsearchItem]:
        """The same searches, those made hybrid that a rule fits."""
        changed = [self._rewritten(search, candidates, headers) for search in searches]
        # The facets of a page that come from side queries describe the same hits as the page.
        depth = max((_depth(search.body) for search in changed if search.rule), default=0)
        return [search if depth <= self._window else _deeper(search, depth) for search in changed]

    def gives_up(self, search: MsearchItem, error: EsHybridError) -> bool:
        """Whether Elasticsearch answers the search as it was, because es-hybrid cannot."""
        unavailable = isinstance(error, ElasticsearchError) and not isinstance(
            error, RequestRefused
        )
        if not search.rule or unavailable:
            return False
        logger.warning("rule %s: %s; passed through", search.rule, error)
        self._metrics.rewritten(search.rule, "failed")
        return True

    def _rewritten(
        self, search: MsearchItem, candidates: Sequence[Rewrite], headers: Headers
    ) -> MsearchItem:
        found = (
            None if search.ours and not search.ruled else self._fitting(search, candidates, headers)
        )
        if found is None:
            return search
        self._metrics.rewritten(found.rule, found.outcome)
        if found.outcome == "control":
            return search
        return replace(search, body=found.body, ours=True, ruled=False, rule=found.rule)

    def _fitting(
        self, search: MsearchItem, candidates: Sequence[Rewrite], headers: Headers
    ) -> Fitting | None:
        """The first rule that fits a search; none fits one that es-hybrid would refuse."""
        try:
            check_depth(search.body, self._max_depth)
        except RequestRefused:
            return None
        found = (
            rule.fitted(search.body, headers) for rule in candidates if rule.covers(search.index)
        )
        return next(filter(None, found), None)


def as_plain(answer: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer in the form of the plain search: without ids if it asks for none."""
    if body.get("stored_fields") in ("_none_", ["_none_"]):
        for hit in answer["hits"]["hits"]:
            hit.pop("_id", None)
    return answer


def _depth(body: Mapping[str, Any]) -> int:
    """Number of hits up to the end of the page; 0 if a part of it is malformed."""
    try:
        return whole(body.get("from", 0)) + whole(body.get("size", 10))
    except EsHybridError:
        return 0


def _deeper(search: MsearchItem, depth: int) -> MsearchItem:
    if not search.rule:
        return search
    ext = search.body["ext"]
    extension = {**ext["es_hybrid"], "window": depth}
    return replace(search, body={**search.body, "ext": {**ext, "es_hybrid": extension}})
