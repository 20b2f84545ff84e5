"""*Search*: a query, ticked facets, and the hits of each stage side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from es_hybrid.errors import EsHybridError
from es_hybrid.filters import parse_filters
from es_hybrid.page.comparison import PAGE_SIZE, columns_of, pages_of
from es_hybrid.page.library import Library
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.tabs.suggestions import SuggestionList
from es_hybrid.page.words import PageWords
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse

# Values shown for a facet; ticked ones are always shown.
_VALUES = 10
# One listener for everything in the results; it survives their being redrawn.
_CLICKS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || button.disabled) return;
  if (button.dataset.hit) trigger('explain', {hit: button.dataset.hit});
  if (button.dataset.page) trigger('turn', {page: Number(button.dataset.page)});
  if ('verbatim' in button.dataset) trigger('verbatim', {});
  if (button.dataset.ignore) trigger('ignore', {phrase: button.dataset.ignore});
});
const light = (event, on) => {
  const hit = event.target.closest('[data-hit]')?.dataset.hit;
  if (hit) element.querySelectorAll('[data-hit]').forEach(
    (other) => other.classList.toggle('eh-lit', on && other.dataset.hit === hit));
};
element.addEventListener('mouseover', (event) => light(event, true));
element.addEventListener('mouseout', (event) => light(event, false));
"""
_CLOSE = """
element.addEventListener('click', (event) => {
  if (event.target.closest('[data-close]')) trigger('close', {});
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is shown: a search, its response, and the page of the comparison."""

    request: SearchRequest
    found: SearchResponse
    page: int = 1


class SearchTab:
    """The tab's fields and event handlers."""

    def __init__(self, library: Library, words: PageWords) -> None:
        self._library = library
        self._words = words
        self._facets = library.settings.page.facets

    def build(self) -> None:
        """Create the fields, inside a `gr.Tab`."""
        words = self._words
        seen = gr.State(None)
        with gr.Row(elem_classes="eh-ask"):
            query = gr.Textbox(
                show_label=False,
                placeholder=words.search_hint,
                scale=5,
                min_width=240,
                container=False,
                elem_id="search-query",
            )
            suggestions = SuggestionList(self._library, words).build()
            go = gr.Button(
                words.search, variant="primary", scale=0, min_width=120, elem_id="search-run"
            )
        with gr.Row(equal_height=False):
            with gr.Column(scale=0, min_width=220, elem_classes="eh-side"):
                filters = gr.Textbox(
                    label=words.filters, placeholder=words.filters_hint, elem_id="search-filters"
                )
                reranks = gr.Checkbox(
                    value=True, label=words.use_reranker, elem_id="search-reranks"
                )
                facets = [
                    gr.CheckboxGroup(
                        [],
                        label=words.facets.get(field, field),
                        elem_id=f"facet-{number}",
                        elem_classes="eh-facet",
                    )
                    for number, field in enumerate(self._facets, 1)
                ]
            with gr.Column(scale=1, min_width=320):
                result = gr.HTML(
                    notice(words, words.search_empty),
                    js_on_load=_CLICKS,
                    elem_id="search-result",
                    apply_default_css=False,
                )
                why = gr.HTML(js_on_load=_CLOSE, elem_id="search-why", apply_default_css=False)
        search: dict[str, Any] = {
            "fn": self._search,
            "inputs": [query, filters, reranks, seen, *facets],
            "outputs": [result, why, seen, *facets],
            "api_visibility": "private",
        }
        gr.on(
            [query.submit, go.click, filters.submit, reranks.input]
            + [facet.input for facet in facets],
            **search,
        )
        picked = suggestions.pick(_picked, outputs=query, queue=False, api_visibility="private")
        picked.then(**search)
        result.verbatim(
            self._verbatim, seen, [result, why, seen, *facets], api_visibility="private"
        )
        result.ignore(self._ignore, seen, [result, why, seen, *facets], api_visibility="private")
        result.turn(self._turn, seen, [result, why, seen], api_visibility="private")
        result.explain(self._explain, seen, why, api_visibility="private")
        why.close(lambda: "", outputs=why, queue=False, api_visibility="private")

    def _search(
        self, text: str, filters: str, reranks: bool, seen: _Seen | None, *ticked: list[str]
    ) -> list[Any]:
        words = self._words
        if not text.strip():
            return self._failed(notice(words, words.blank_query, kind="warning"))
        try:
            request = SearchRequest(
                text=text,
                **self._wishes(text, seen),
                filters=parse_filters(part for part in filters.split(";") if part.strip()),
                selected={
                    field: values
                    for field, values in zip(self._facets, ticked, strict=True)
                    if values
                },
                rerank=reranks,
            )
        except EsHybridError as error:
            return self._failed(problem(words, error))
        return self._found(request)

    def _wishes(self, text: str, seen: _Seen | None) -> dict[str, Any]:
        """How the same words were to be understood."""
        if seen is None or seen.request.text != text:
            return {}
        return {"correct": seen.request.correct, "ignore": seen.request.ignore}

    def _verbatim(self, seen: _Seen | None) -> list[Any]:
        """Search the words as they were typed."""
        if seen is None:
            return self._unchanged()
        return self._found(replace(seen.request, correct=False))

    def _ignore(self, seen: _Seen | None, event: gr.EventData) -> list[Any]:
        """Search a condition as plain words."""
        if seen is None:
            return self._unchanged()
        ignored = [*seen.request.ignore, str(event.phrase)]
        return self._found(replace(seen.request, ignore=ignored))

    def _unchanged(self) -> list[Any]:
        return [gr.skip() for _ in range(3 + len(self._facets))]

    def _found(self, request: SearchRequest) -> list[Any]:
        """What the outputs show of a search."""
        try:
            found = self._library.search(request)
        except EsHybridError as error:
            return self._failed(problem(self._words, error))
        seen = _Seen(request=request, found=found)
        return [self._results(seen), "", seen, *self._facet_updates(found.facets, request.selected)]

    def _failed(self, message: str) -> list[Any]:
        """What the outputs show in place of hits; the facets stay."""
        return [message, "", None, *(gr.skip() for _ in self._facets)]

    def _turn(self, seen: _Seen | None, event: gr.EventData) -> tuple[Any, Any, Any]:
        if seen is None:
            return gr.skip(), gr.skip(), gr.skip()
        page = min(max(int(event.page), 1), pages_of(seen.found))
        turned = replace(seen, page=page)
        return self._results(turned), "", turned

    def _explain(self, seen: _Seen | None, event: gr.EventData) -> str:
        ranks = {hit.id: hit.rank for hit in _shown(seen.found)} if seen else {}
        rank = ranks.get(event.hit)
        if seen is None or rank is None:
            return ""
        try:
            hit = self._library.explain(seen.request, event.hit, rank)
        except EsHybridError as error:
            return problem(self._words, error)
        if hit is None:
            return notice(self._words, self._words.gone, kind="warning")
        return render("explain", self._words, hit=hit)

    def _results(self, seen: _Seen) -> str:
        words, found = self._words, seen.found
        summary = words.found.format(n=f"{found.total:,}")
        if found.total > len(found.hits):
            summary += f" · {words.compared.format(n=len(found.hits))}"
        first, last = (seen.page - 1) * PAGE_SIZE + 1, seen.page * PAGE_SIZE
        return render(
            "search",
            words,
            found=found,
            columns=columns_of(found, seen.page, words),
            summary=summary,
            warnings=[words.degraded.format(what=what) for what in found.degraded],
            notes=found.notes,
            corrected=found.corrected,
            query=seen.request.text,
            zero_results=found.zero_results,
            understood=[each.text for each in found.understood if each.effect == "filter"],
            preferred=[each.text for each in found.understood if each.effect == "boost"],
            synonyms=found.synonyms,
            timings=list(self._timings(found.timings)),
            page=seen.page,
            pages=pages_of(found),
            ranks=words.ranks.format(first=first, last=min(last, len(found.hits))),
        )

    def _timings(self, timings: Mapping[str, float]) -> Iterator[dict[str, str]]:
        for stage, spent in timings.items():
            label = self._words.spent.get(stage, stage)
            yield {"name": stage, "label": label, "ms": f"{spent:,.0f}"}

    def _facet_updates(
        self, facets: Mapping[str, Mapping[str, int]], ticked: Mapping[str, Any]
    ) -> list[Any]:
        updates = []
        for field in self._facets:
            counts, chosen = facets.get(field, {}), ticked.get(field, [])
            values = list(dict.fromkeys([*chosen, *list(counts)[:_VALUES]]))
            choices = [(f"{value}  {counts.get(value, 0):,}", value) for value in values]
            updates.append(gr.update(choices=choices, value=list(chosen)))
        return updates


def _shown(found: SearchResponse) -> Sequence[Hit]:
    return found.similar if found.zero_results else found.hits


def _picked(event: gr.EventData) -> str:
    """The text of the suggestion."""
    return str(event.text)
