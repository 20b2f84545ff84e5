"""Signals on a ranking: what the shop knows of a product moves it up or down.

    sum      score = base + clamp(sum of weight * value, -bound, bound)
    product  score = base * clamp(product of (1 + weight * value), 1 / (1 + bound), 1 + bound)

`base` is the hit's score as a share of the best one. Values are those of Elasticsearch's
`function_score`, read from doc values, so a list counts with its lowest number, or with the one
that is nearest to the origin of a decay.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking, rounded
from es_hybrid.retrieval.execution.own_hits import requests_field
from es_hybrid.retrieval.execution.report import Share
from es_hybrid.retrieval.execution.requests import MATCH_ALL, LeafResult, hits_of
from es_hybrid.retrieval.nodes import Signals, signal_clause
from es_hybrid.retrieval.plan import Key, Plan
from es_hybrid.settings.signals import Signal

# What weight * value counts at most, so that shares add up in double precision.
_MOST = 1e6
# And what a factor counts at least: two that are negative must not make a positive product.
_LEAST = 1e-6
# Metres; as in Lucene.
_EARTH_RADIUS = 6_371_008.7714
_RANDOM_BITS = 53
# Of a score: what 32-bit arithmetic in another order makes of it.
_ROUNDING = 1e-6

# A hit and the names of the clauses that it matches -> the value of one signal.
_Value = Callable[[Mapping[str, Any], Container[str]], float]


def leaf_options(node: Signals, plan: Plan) -> dict[str, Any]:
    """What the leaves are asked for, so that their hits have the values of the signals."""
    options: dict[str, Any] = {}
    fields = {
        each.field: {"field": each.field, "format": "epoch_millis"}
        if each.reads == "date"
        else {"field": each.field}
        for each in node.signals
        if each.field is not None
    }
    if fields:
        shown = [] if reads_what_is_shown(node, plan) else plan.fetch.get("docvalue_fields", [])
        options["docvalue_fields"] = [*shown, *fields.values()]
    if node.clauses:
        selected = None if plan.of_candidates else plan.selected
        named = [
            {"bool": {"filter": clause, "_name": name}} for name, clause in node.clauses.items()
        ]
        # Next to a `filter`, nothing of a `should` has to match.
        options["post_filter"] = {"bool": {"filter": selected or MATCH_ALL, "should": named}}
    return options


def reads_what_is_shown(node: Signals, plan: Plan) -> bool:
    """Whether the page requests one of the fields too: it would get the values of both requests."""
    fields = (each.field for each in node.signals if each.field is not None)
    return any(requests_field(plan.fetch, field) for field in fields)


def moved(
    node: Signals,
    window: Ranking,
    found: Sequence[LeafResult],
    first: Mapping[Key, int],
    *,
    explain: bool,
) -> tuple[Ranking, dict[Key, list[Share]]]:
    """The hits in their new order, and the shares of each one's score, if they are explained.

    Args:
        window: The child's best hits.
        found: The results of the leaves, with the values of the signals.
        first: Place of the hits that precede all others, whatever their score.
    """
    hits = hits_of(found, {hit.key for hit in window})
    now = time.time() * 1000
    reads = [_value_of(each, place, now) for place, each in enumerate(node.signals)]
    weights = [each.weight for each in node.signals]
    scored: list[tuple[float, Ranked]] = []
    shares: dict[Key, list[Share]] = {}
    for ranked, base in zip(window, _bases(window, found), strict=True):
        hit, clauses = hits[ranked.key]
        values = [read(hit, clauses) for read in reads]
        amounts = [min(max(w * v, -_MOST), _MOST) for w, v in zip(weights, values, strict=True)]
        by, limit = _move(node, amounts)
        exact = base + by if node.combine == "sum" else base * by
        scored.append((exact, ranked._replace(score=rounded(exact))))
        if explain:
            shares[ranked.key] = _shares(node, base, values, amounts, limit)
    last = len(first)
    scored.sort(key=lambda pair: (first.get(pair[1].key, last), -pair[0]))
    return [hit for _, hit in scored], shares


def _bases(window: Ranking, found: Sequence[LeafResult]) -> list[float]:
    """The score of each hit as a share of the best one.

    Hits with equal scores in all leaves share the best of theirs: a fusion by rank has to put one
    first, although only the signals tell them apart.
    """
    by_leaf = [_decisive(each) for each in found]
    evidence = [tuple(scores.get(hit.key) for scores in by_leaf) for hit in window]
    best: dict[tuple[float | None, ...], float] = {}
    for hit, scores in zip(window, evidence, strict=True):
        best[scores] = max(hit.score, best.get(scores, 0.0))
    top = max(best.values(), default=0.0)
    return [best[scores] / top if top > 0 else 1.0 for scores in evidence]


def _decisive(found: LeafResult) -> dict[Key, float]:
    """The scores of a leaf's hits, without the last one where the leaf was cut off.

    Hits beyond it may have the same. Scores that only rounding tells apart are made equal: the
    vectors of one text differ in their last bits if it was embedded in different batches.
    """
    scores: dict[Key, float] = {}
    score = before = math.inf
    for hit in sorted(found.ranking, key=lambda hit: -hit.score):
        if before - hit.score > _ROUNDING * abs(hit.score):
            score = hit.score
        before = hit.score
        scores[hit.key] = score
    last = score if found.cut else -math.inf
    return {key: score for key, score in scores.items() if score > last}


def _move(node: Signals, amounts: Sequence[float]) -> tuple[float, float | None]:
    """The summand or factor of all signals, and what of it the bound makes, if it applies."""
    if node.combine == "sum":
        wanted = sum(amounts)
        limited = min(max(wanted, -node.bound), node.bound)
        return limited, None if limited == wanted else limited - wanted
    wanted = math.prod(map(_factor, amounts))
    limited = min(max(wanted, 1 / (1 + node.bound)), 1 + node.bound)
    return limited, None if limited == wanted else limited / wanted


def _factor(amount: float) -> float:
    return max(1 + amount, _LEAST)


def _shares(
    node: Signals,
    base: float,
    values: Sequence[float],
    amounts: Sequence[float],
    limit: float | None,
) -> list[Share]:
    shares = [Share(base, "score of the first stage, as a share of its best")]
    for signal, value, amount in zip(node.signals, values, amounts, strict=True):
        text = f"weight {signal.weight:g} * value {value:.6g}"
        if node.combine == "sum":
            shares.append(Share(amount, f"signal {signal.label}: {text}"))
        else:
            shares.append(Share(_factor(amount), f"signal {signal.label}: 1 + {text}"))
    if limit is not None:
        shares.append(Share(limit, f"bound {node.bound:g} of all signals"))
    return shares


def _value_of(signal: Signal, place: int, now: float) -> _Value:
    if signal.seed is not None:
        return lambda hit, _: _random(signal.seed, hit["_id"])
    if signal.field is None:
        name = signal_clause(place)
        return lambda _, clauses: float(name in clauses)
    read = _number(signal) if signal.decay is None else _decay(signal, now)
    field = signal.field

    def value(hit: Mapping[str, Any], _: Container[str]) -> float:
        stored = hit.get("fields", {}).get(field)
        if not stored:
            return signal.missing
        try:
            return read(stored)
        except (TypeError, ValueError):
            raise RequestRefused(
                f"signal {signal.label}: [{field}] holds {stored[0]!r}, which is no "
                f"{signal.reads}; name another field"
            ) from None

    return value


def _random(seed: int | None, id_: str) -> float:
    digest = blake2b(f"{seed}:{id_}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> (64 - _RANDOM_BITS)) / (1 << _RANDOM_BITS)


def _number(signal: Signal) -> Callable[[Sequence[Any]], float]:
    def read(stored: Sequence[Any]) -> float:
        number = min(map(float, stored))
        match signal.modifier:
            case "log1p" if number >= 0:
                return math.log10(1 + number)
            case "sqrt" if number >= 0:
                return math.sqrt(number)
            case "reciprocal" if number != 0:
                return 1 / number
            case "none":
                return number
            case _:
                return signal.missing

    return read


def _decay(signal: Signal, now: float) -> Callable[[Sequence[Any]], float]:
    assert signal.scale is not None
    start, offset = signal.start(now), signal.span(signal.offset)
    scale, rate = signal.span(signal.scale), math.log(signal.at_scale)

    def from_number(value: Any) -> float:
        return abs(float(value) - start[0])

    def from_place(value: str) -> float:
        return _arc(start, tuple(map(float, value.split(","))))

    distance = from_place if signal.reads == "place" else from_number

    def read(stored: Sequence[Any]) -> float:
        far = max(0.0, min(map(distance, stored)) - offset) / scale
        match signal.decay:
            case "gauss":
                return math.exp(rate * far * far)
            case "exp":
                return math.exp(rate * far)
            case _:
                return max(0.0, 1 - far * (1 - signal.at_scale))

    return read


def _arc(one: Sequence[float], other: Sequence[float]) -> float:
    """Metres between two places, each a latitude and a longitude."""
    (south, west), (north, east) = (tuple(map(math.radians, each)) for each in (one, other))
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * _EARTH_RADIUS * math.asin(min(1.0, math.sqrt(half)))
