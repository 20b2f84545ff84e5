"""Retriever trees by brute force: what Elasticsearch's sources say, in the simplest form.

Independent of es_hybrid's ranking. Scores of leaves are Elasticsearch's own, read once for each
query over the whole index; a filter is a function of a row. Everything above the leaves is computed
here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

F = np.float32
Tree = Mapping[str, Any]
Explanation = dict[str, Any]
Row = Mapping[str, Any]

# Pinned documents score more, all others at most this.
PINNED = F(2.0**127)
SMALLEST = 2.0**-149


class Hit(NamedTuple):
    id: str
    score: np.float32


@dataclass
class Index:
    """An index as the model sees it.

    Attributes:
        rows: By id.
        places: Id -> where equal scores put it.
        numbers: Id -> number of the document in its shard.
        scores: Query or vector, as JSON -> id -> score, for each row that matches.
    """

    name: str
    rows: Mapping[str, Row]
    places: Mapping[str, tuple[int, int]]
    numbers: Mapping[str, int]
    scores: Mapping[str, Mapping[str, float]]

    def best_first(self, hits: Sequence[Hit]) -> list[Hit]:
        return sorted(hits, key=lambda hit: (-float(hit.score), self.places[hit.id]))


def holds(row: Row, clause: Tree) -> bool:
    """Whether a row passes a filter."""
    ((kind, inner),) = clause.items()
    ((field, value),) = inner.items()
    if kind == "term":
        return bool(row[field] == value)
    return bool(row[field] >= value["gte"])


def filters_of(options: Tree) -> list[Tree]:
    given = options.get("filter", [])
    return [given] if isinstance(given, Mapping) else list(given)


@dataclass
class Model:
    """Ranks and matches of trees over one index.

    Args:
        logit: The reranker's score of a row.
        leaves: The index as its leaves order equal scores; by default as everything else does.
    """

    index: Index
    logit: Callable[[Row], float]
    leaves: Index | None = None

    def ranked(self, tree: Tree, above: Sequence[Tree] = ()) -> list[Hit]:
        """The hits of a tree, best first; of a leaf all, of others those of the window."""
        ((kind, options),) = tree.items()
        filters = [*above, *filters_of(options)]
        if kind in ("standard", "knn"):
            return self.leaf(kind, options, filters)
        hits = getattr(self, f"_{kind}")(options, filters)
        return list(hits)

    def matches(
        self, tree: Tree, above: Sequence[Tree] = (), within: int | None = None
    ) -> set[str]:
        """Everything that a tree matches, ranked or not; of neighbours only those in the window.

        Args:
            within: Window of the retriever above.
        """
        ((kind, options),) = tree.items()
        filters = [*above, *filters_of(options)]
        if kind in ("standard", "knn"):
            hits = self.leaf(kind, options, filters)
            return {hit.id for hit in (hits[:within] if kind == "knn" else hits)}
        each = (self.matches(child, filters, window(options)) for child in children(tree))
        found = set().union(*each)
        if kind == "pinned":
            found |= {id_ for id_ in pins(options, self.index.name) if id_ in self.index.rows}
        return found

    def leaf(self, kind: str, options: Tree, filters: Sequence[Tree]) -> list[Hit]:
        """The hits of a leaf, best first."""
        scores = self.index.scores[leaf_key(kind, options)]
        hits = [
            Hit(id_, F(score))
            for id_, score in scores.items()
            if all(holds(self.index.rows[id_], each) for each in filters)
            and F(score) >= F(options.get("min_score", 0) if kind == "standard" else 0)
        ]
        best = (self.leaves or self.index).best_first(hits)
        return best[: options["k"]] if kind == "knn" else best

    def explained(self, tree: Tree, id_: str, above: Sequence[Tree] = ()) -> Explanation:
        """How a tree explains one of its hits; of a leaf's query only the value."""
        ((kind, options),) = tree.items()
        filters = [*above, *filters_of(options)]
        rank, score = next(
            (rank, float(str(hit.score)))
            for rank, hit in enumerate(self.ranked(tree, above), 1)
            if hit.id == id_
        )
        if kind == "standard":
            return {"value": score}
        ranked = (
            f"doc [{self.index.numbers[id_]}] with an original score of [{java(score)}] is at rank "
            f"[{rank}] from the following source queries."
        )
        if kind == "knn":
            found = f"found vector with calculated similarity: {java(score)}"
            return told(rank, ranked, [told(score, found)])
        if kind in ("rrf", "linear"):
            return getattr(self, f"_explained_{kind}")(options, id_, filters, score)  # type: ignore[no-any-return]
        child = options["retriever"]
        if kind == "text_similarity_reranker":
            text = (
                f"text_similarity_reranker match using inference endpoint: "
                f"[{options['inference_id']}] on document field: [{options['field']}] matching on "
                f"source query {alias(child).strip()}"
            )
            return told(score, text, [self.explained(child, id_, filters)])
        return self._explained_pinned(options, id_, filters, (rank, score, ranked))

    def _explained_pinned(
        self, options: Tree, id_: str, filters: Sequence[Tree], place: tuple[int, float, str]
    ) -> Explanation:
        rank, score, ranked = place
        child = options["retriever"]
        organic = [hit.id for hit in self._window(options, child, filters)]
        if id_ in organic:
            inner = self.explained(child, id_, filters)
        else:
            inner = told(0.0, f"doc not found in top {len(organic)} rank docs")
        inner = told(rank, ranked, [inner])
        if score > float(PINNED):
            return told(score, "Pinned document, original explanation:", [inner])
        return told(rank, ranked, [inner])

    def _explained_rrf(
        self, options: Tree, id_: str, filters: Sequence[Tree], score: float
    ) -> Explanation:
        constant = options.get("rank_constant", 60)
        ranks, details = [], []
        for number, part in enumerate(options["retrievers"]):
            child = part.get("retriever", part)
            ids = [hit.id for hit in self._window(options, child, filters)]
            rank = ids.index(id_) + 1 if id_ in ids else 0
            ranks.append(rank)
            where = f"in query at index [{number}]{alias(child)}"
            if not rank:
                details.append(told(0.0, f"rrf score: [0], result not found {where}"))
                continue
            text = (
                f"rrf score: [{java(F(1) / F(rank + constant))}], for rank [{rank}] {where} "
                f"computed as [1 / ({rank} + {constant})], for matching query with score"
            )
            details.append(told(rank, text, [self.explained(child, id_, filters)]))
        text = (
            f"rrf score: [{java(score)}] computed for initial ranks {ranks} with rankConstant: "
            f"[{constant}] as sum of [1 / (rank + rankConstant)] for each query"
        )
        return told(score, text, details)

    def _explained_linear(
        self, options: Tree, id_: str, filters: Sequence[Tree], score: float
    ) -> Explanation:
        scores, weights, details = [], [], []
        for number, part in enumerate(options["retrievers"]):
            child, weight = part["retriever"], F(part.get("weight", 1))
            normalizer = part.get("normalizer", options.get("normalizer", "none"))
            hits = self._window(options, child, filters)
            own = dict(zip((hit.id for hit in hits), normalized(hits, normalizer), strict=True))
            value = own.get(id_, F(0))
            scores.append(java(value))
            weights.append(java(weight))
            where = f"in query at index [{number}]{alias(child)}"
            if not value > 0:
                details.append(told(0.0, f"weighted score: [0], result not found {where}"))
                continue
            text = (
                f"weighted score: [{java(weight * value)}] {where} computed as [{java(weight)} * "
                f"{java(value)}] using score normalizer [{normalizer}] for original matching query "
                f"with score:"
            )
            share = float(str(F(weight * value)))
            details.append(told(share, text, [self.explained(child, id_, filters)]))
        text = (
            f"weighted linear combination score: [{java(score)}] computed for normalized scores "
            f"[{', '.join(scores)}] and weights [{', '.join(weights)}] as sum of (weight[i] * "
            f"score[i]) for each query."
        )
        return told(score, text, details)

    def _window(self, options: Tree, child: Tree, filters: Sequence[Tree]) -> list[Hit]:
        return self.ranked(child, filters)[: window(options)]

    def _rrf(self, options: Tree, filters: Sequence[Tree]) -> list[Hit]:
        total: dict[str, np.float32] = {}
        constant = options.get("rank_constant", 60)
        for part in options["retrievers"]:
            weight = F(part.get("weight", 1)) if "retriever" in part else F(1)
            hits = self._window(options, part.get("retriever", part), filters)
            for rank, hit in enumerate(hits, 1):
                share = F(weight * F(F(1) / F(constant + rank)))
                total[hit.id] = F(total.get(hit.id, F(0)) + share)
        return self._summed(options, total)

    def _linear(self, options: Tree, filters: Sequence[Tree]) -> list[Hit]:
        total: dict[str, np.float32] = {}
        for part in options["retrievers"]:
            hits = self._window(options, part["retriever"], filters)
            normalizer = part.get("normalizer", options.get("normalizer", "none"))
            for hit, score in zip(hits, normalized(hits, normalizer), strict=True):
                share = F(F(part.get("weight", 1)) * score)
                total[hit.id] = F(total.get(hit.id, F(0)) + share)
        hits = self._summed(options, total)
        return [hit for hit in hits if hit.score >= F(options.get("min_score", 0))]

    def _summed(self, options: Tree, total: Mapping[str, np.float32]) -> list[Hit]:
        hits = [Hit(id_, score) for id_, score in total.items()]
        return self.index.best_first(hits)[: window(options)]

    def _pinned(self, options: Tree, filters: Sequence[Tree]) -> list[Hit]:
        named = pins(options, self.index.name)
        bits = np.array([PINNED], F).view(np.int32)[0] + 1
        first = [
            Hit(id_, np.array([bits + len(named) - place], np.int32).view(F)[0])
            for place, id_ in enumerate(named)
            if id_ in self.index.rows
        ]
        # A query that is as long as there are pins: every organic hit that has no pin follows.
        organic = self.ranked(options["retriever"], filters)
        if next(iter(options["retriever"])) in ("standard", "knn"):
            organic = organic[: window(options) + len(named)]
        capped = [Hit(hit.id, min(hit.score, PINNED)) for hit in organic if hit.id not in named]
        return self.index.best_first([*first, *capped])[: window(options)]

    def _rescorer(self, options: Tree, filters: Sequence[Tree]) -> list[Hit]:
        """With a `rescore_query` that adds 1 to every hit."""
        hits = self._window(options, options["retriever"], filters)
        return self.index.best_first([Hit(hit.id, F(hit.score + F(1))) for hit in hits])

    def _text_similarity_reranker(self, options: Tree, filters: Sequence[Tree]) -> list[Hit]:
        least = F(options.get("min_score", -math.inf))
        hits = []
        for hit in self._window(options, options["retriever"], filters):
            score = F(self.logit(self.index.rows[hit.id]))
            if score >= least:
                shifted = max(score, F(0)) + min(F(math.exp(score)), F(1))
                hits.append(Hit(hit.id, F(shifted)))
        return self.index.best_first(hits)


def told(value: float, description: str, details: Sequence[Explanation] = ()) -> Explanation:
    return {"value": value, "description": description, "details": list(details)}


def alias(child: Tree) -> str:
    ((_, options),) = child.items()
    return f" [{options['_name']}]" if "_name" in options else ""


def java(value: float | np.float32) -> str:
    """A float32 as Java prints it."""
    short = Decimal(str(F(value)))
    if short == 0 or Decimal("0.001") <= abs(short) < 10**7:
        plain = format(short, "f")
        return plain if "." in plain else f"{plain}.0"
    digits = "".join(map(str, short.as_tuple().digits)).rstrip("0")
    return f"{digits[0]}.{digits[1:] or '0'}E{short.adjusted()}"


def normalized(hits: Sequence[Hit], normalizer: str) -> list[np.float32]:
    scores = [hit.score for hit in hits]
    if not scores or normalizer == "none":
        return scores
    if normalizer == "minmax":
        low, high = min(scores), max(scores)
        if abs(F(low - high)) < F(1e-6):
            return [F(1) for _ in scores]
        return [F(F(score - low) / F(high - low)) for score in scores]
    norm = math.sqrt(sum(float(F(score * score)) for score in scores))
    return scores if norm < F(1e-6) else [F(float(score) / norm) for score in scores]


def children(tree: Tree) -> list[Tree]:
    ((_, options),) = tree.items()
    if "retriever" in options:
        return [options["retriever"]]
    return [part.get("retriever", part) for part in options.get("retrievers", ())]


def leaves(tree: Tree, above: Sequence[Tree] = ()) -> Iterator[tuple[str, Tree, list[Tree]]]:
    """Kind, options and filters of each leaf."""
    ((kind, options),) = tree.items()
    filters = [*above, *filters_of(options)]
    if kind in ("standard", "knn"):
        yield kind, options, filters
    for child in children(tree):
        yield from leaves(child, filters)


def window(options: Tree) -> int:
    if "rescore" in options:
        return int(options["rescore"]["window_size"])
    return int(options.get("rank_window_size", 10))


def pins(options: Tree, index: str) -> list[str]:
    """The pinned ids in their order; those of other indices hold their place, but match nothing."""
    if "ids" in options:
        return list(options["ids"])
    named = [(doc.get("_index", index), doc["_id"]) for doc in options["docs"]]
    return [id_ if each == index else f"{each}/{id_}" for each, id_ in named]


def leaf_key(kind: str, options: Tree) -> str:
    return json.dumps(options["query" if kind == "standard" else "query_vector"])


def least_score(tree: Tree, body: Tree) -> float | None:
    """The score that Elasticsearch requires of every hit of a page, or None."""
    ((kind, options),) = tree.items()
    if kind in ("linear", "text_similarity_reranker") and "min_score" in options:
        return float(options["min_score"])
    if any(_has_min_score(child) for child in children(tree)):
        return SMALLEST
    least = body.get("min_score")
    return None if least is None else float(least)


def _has_min_score(tree: Tree) -> bool:
    ((kind, options),) = tree.items()
    own = kind not in ("rrf", "pinned", "rescorer") and "min_score" in options
    return own or any(map(_has_min_score, children(tree)))
