"""Print search responses as rich tables or JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from es_hybrid.records import Product
from es_hybrid.retrieval.response import FiredRule, Hit, SearchResponse, StageRank, ZeroResults
from es_hybrid.retrieval.similar import SimilarResponse
from es_hybrid.suggesting.suggestion import Suggestion
from es_hybrid.understanding.condition import Condition

# Facet values shown; the others are counted.
_FACET_VALUES = 8
# Width if the output is not a terminal.
_WIDTH_WHEN_PIPED = 160
# Levels of an explanation shown.
_DEPTH = 4
_NOTHING: dict[ZeroResults, str] = {
    "identifier": "no product has this number",
    "not_sold": "no product has these words, and none is close in meaning (--no-floor shows all)",
    "filters": "the filters exclude every product",
    "words": "no product has these words",
}
# Pieces of a highlighted fragment: plain text followed by marked text.
_MARKED = re.compile(r"(.*?)(?:<em>(.*?)</em>|\Z)", re.DOTALL)


def console() -> Console:
    """Standard output; wide if it is not a terminal, so that no line is truncated."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=_WIDTH_WHEN_PIPED)


def as_indented_json(answer: Any) -> str:
    """The answer as indented JSON, the same as from the server."""
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()


def print_suggestions(found: Sequence[Suggestion]) -> None:
    """Print one line per suggestion: its kind, the text, and its id or number of products."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in found:
        about = each.id if each.count is None else f"{each.count:,} products"
        table.add_row(Text(each.kind, style="dim"), _marked(each.highlight), Text(about))
    console().print(table)


def print_response(response: SearchResponse) -> None:
    """Print one line per hit with its rank and score in each stage, then facets and problems."""
    out = console()
    hits = response.similar if response.zero_results else response.hits
    for line in understood(response):
        out.print(line)
    if response.redirect:
        out.print(Text(f"redirect: {response.redirect}"))
    if response.zero_results:
        out.print(f"nothing found: {_NOTHING[response.zero_results]}", style="bold")
    if response.similar:
        out.print("similar products:")
    if hits:
        out.print(_table(hits))
    for hit in hits:
        if hit.explanation is not None:
            out.print(_explained(hit.explanation, Tree(Text(f"{hit.rank} {hit.id}"))))
    for field, counts in response.facets.items():
        out.print(facet_line(field, counts))
    out.print(_summary(response), style="dim")
    _print_problems(response)


def understood(response: SearchResponse) -> Iterator[Text]:
    """What was searched instead of the query's words, one line each; and what rules did."""
    if response.corrected:
        yield Text.assemble("searched: ", (response.corrected, "bold"))
    for condition in response.understood:
        yield Text.assemble("understood: ", (condition.text, "bold"), _effect(condition))
    for synonym in response.synonyms:
        words = ", ".join(synonym.searched)
        yield Text.assemble("synonyms: ", (synonym.text, "bold"), f" = {words}")
    for rule in response.rules:
        yield Text.assemble("rule: ", (rule.id, "bold"), _done(rule))


def print_similar(found: SimilarResponse) -> None:
    """Print one line per product with its rank and score in each stage, then problems."""
    console().print(_table(found.hits) if found.hits else "nothing similar")
    _print_problems(found)


def _print_problems(answer: SearchResponse | SimilarResponse) -> None:
    out = console()
    for note in answer.notes:
        out.print(Text(f"note: {note}"), style="dim")
    for problem in answer.degraded:
        out.print(Text(f"degraded: {problem}"), style="yellow")


def side_by_side(columns: Mapping[str, Sequence[Hit]]) -> Table:
    """The hits of one query, one column per mode."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("#", justify="right", width=2)
    for name in columns:
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1)
    depth = max(len(hits) for hits in columns.values())
    for row in range(depth):
        cells = (_cell(hits[row]) if row < len(hits) else "" for hits in columns.values())
        table.add_row(str(row + 1), *cells)
    if not depth:
        table.add_row("", *("no hits" for _ in columns))
    return table


def _table(hits: Sequence[Hit]) -> Table:
    stages = [
        stage
        for stage in ("bm25", "knn", "rrf", "signals", "rerank", "spread")
        if any(stage in hit.stages for hit in hits)
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("id", no_wrap=True)
    table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("lang", no_wrap=True)
    for stage in stages:
        table.add_column(stage, justify="right", no_wrap=True)
    for hit in hits:
        table.add_row(
            str(hit.rank),
            Text(hit.id),
            _title(hit),
            _price(hit.product),
            hit.product.lang,
            *(_stage(hit.stages.get(stage)) for stage in stages),
        )
    return table


def facet_line(field: str, counts: Mapping[str, int]) -> Text:
    """`field: value count, …`, in the given order."""
    shown = [f"{value} {n}" for value, n in list(counts.items())[:_FACET_VALUES]]
    more = len(counts) - len(shown)
    return Text(f"{field}: " + ", ".join(shown) + (f", {more} more" if more else ""))


def _cell(hit: Hit) -> Text:
    return Text.assemble((f"{hit.product.lang:<3}", "cyan"), hit.product.title)


def _effect(condition: Condition) -> str:
    """How a value of the catalogue counts: ` (boost brand=Nike)`."""
    if not condition.values:
        return ""
    field, values = next(iter(condition.values.items()))
    more = len(values) > 1 or len(condition.values) > 1
    return f" ({condition.effect} {field}={values[0]}{', …' if more else ''})"


def _done(rule: FiredRule) -> str:
    """What a rule did: ` (pin, boost; overruled: replace)`."""
    parts = [", ".join(rule.changed), "overruled: " + ", ".join(rule.overruled)]
    return f" ({'; '.join(parts[not rule.changed : 1 + bool(rule.overruled)])})"


def _title(hit: Hit) -> Text:
    """The title, and its highlighted fragments below."""
    text = Text(hit.product.title)
    for fragments in hit.highlight.values():
        for fragment in fragments:
            text.append("\n  ")
            text.append(_marked(fragment, style="dim"))
    return text


def _marked(fragment: str, *, style: str = "") -> Text:
    """A highlighted text with the marked words in bold."""
    text = Text()
    for plain, marked in _MARKED.findall(fragment):
        text.append(html.unescape(plain), style=style)
        text.append(html.unescape(marked), style="bold")
    return text


def _explained(explanation: Mapping[str, Any], tree: Tree, depth: int = _DEPTH) -> Tree:
    """The explanation down to the words; the JSON also has the BM25 terms of each."""
    branch = tree.add(Text(f"{explanation['value']:.6g} {explanation['description']}"))
    for detail in explanation.get("details", ()) if depth else ():
        _explained(detail, branch, depth - 1)
    return tree


def _stage(stage: StageRank | None) -> str:
    return "-" if stage is None else f"{stage.rank} ({stage.score:.4g})"


def _price(product: Product) -> str:
    return "" if product.price is None else f"{product.price:.2f} {product.currency}".strip()


def _summary(response: SearchResponse) -> Text:
    parts = [f"{response.total:,} found"]
    if response.reranked:
        parts.append(f"{response.reranked} reranked")
    parts += [f"{stage} {spent:.0f} ms" for stage, spent in response.timings.items()]
    return Text(" · ".join(parts))
