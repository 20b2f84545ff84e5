"""What signals make of a ranking, computed from the products' own values.

By the documented formulas, independent of es-hybrid and of `function_score`. Taken from a search
without signals are only its hits with their scores in each stage.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from es_hybrid.retrieval.response import Hit

Facts = Mapping[str, Any]

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WINDOW = 100
CITIES = ["52.52,13.405", "31.23,121.47", "40.71,-74.01", "48.86,2.35"]


def facts(rng: random.Random, price: float | None) -> dict[str, Any]:
    """What the shop knows of a product; anything but its stock may be unknown."""
    stock = rng.choice([0, 0, 1, 3, 20, 500])
    latitude, longitude = map(float, rng.choice(CITIES).split(","))
    made = {
        "margin": round(rng.uniform(-0.1, 0.6), 3),
        "released": (NOW - timedelta(days=rng.randint(-60, 2000))).strftime("%Y-%m-%d"),
        "warehouse": {"lat": latitude + rng.randint(-9, 9) / 10, "lon": longitude},
    }
    kept = {name: value for name, value in made.items() if rng.random() < 0.85}
    return {"stock": stock, "in_stock": stock > 0, "price": price, **kept}


def random_signals(rng: random.Random) -> list[dict[str, Any]]:
    """One to five signals of all kinds."""
    kinds = [_factor, _decayed, _filtered, _shuffled, _near, _aged]
    return [{**rng.choice(kinds)(rng), **_common(rng)} for _ in range(rng.randint(1, 5))]


def _common(rng: random.Random) -> dict[str, Any]:
    return {"weight": round(rng.uniform(-0.4, 0.6), 2), "missing": rng.choice([0, 0, 0.5, -0.2])}


def _factor(rng: random.Random) -> dict[str, Any]:
    field = rng.choice(["price", "stock", "margin", "in_stock"])
    return {"field": field, "modifier": rng.choice(["none", "log1p", "sqrt", "reciprocal"])}


def _decay_of(rng: random.Random) -> dict[str, Any]:
    return {"decay": rng.choice(["gauss", "exp", "linear"]), "at_scale": rng.choice([0.3, 0.5])}


def _decayed(rng: random.Random) -> dict[str, Any]:
    numbers = {"origin": rng.choice([20, 100]), "scale": rng.choice([30, 200]), "offset": 5}
    return {"field": "price", **_decay_of(rng), **numbers}


def _aged(rng: random.Random) -> dict[str, Any]:
    dates = {"origin": NOW.isoformat(), "scale": rng.choice(["30d", "8760h"]), "offset": "1d"}
    return {"field": "released", **_decay_of(rng), **dates}


def _near(rng: random.Random) -> dict[str, Any]:
    places = {"origin": rng.choice(CITIES), "scale": rng.choice(["50km", "3000km"])}
    return {"field": "warehouse", **_decay_of(rng), **places}


def _filtered(rng: random.Random) -> dict[str, Any]:
    return {"filter": rng.choice([{"in_stock": True}, {"stock": {"gte": 3, "lt": 100}}])}


def _shuffled(rng: random.Random) -> dict[str, Any]:
    return {"seed": rng.randint(0, 9)}


def value(signal: Facts, id_: str, of: Facts) -> float:
    """The value of one signal for one product."""
    if "seed" in signal:
        digest = hashlib.blake2b(f"{signal['seed']}:{id_}".encode(), digest_size=8).hexdigest()
        return int(int(digest, 16) / 2**11) / 2**53
    if "filter" in signal:
        stocked = of["in_stock"] if "in_stock" in signal["filter"] else 3 <= of["stock"] < 100
        return 1.0 if stocked else 0.0
    known = of.get(signal["field"])
    if known is None:
        return float(signal["missing"])
    if "decay" not in signal:
        return _modified(signal, float(known))
    curve = signal["decay"]
    left: float = signal["at_scale"]
    scale, far = _distance(signal, known)
    if curve == "gauss":
        return math.exp(-(far**2) / (2 * (-(scale**2) / (2 * math.log(left)))))
    if curve == "exp":
        return math.exp(math.log(left) / scale * far)
    reach = scale / (1 - left)
    return max((reach - far) / reach, 0.0)


def _modified(signal: Facts, number: float) -> float:
    undefined = (number < 0 and signal["modifier"] in ("log1p", "sqrt")) or (
        number == 0 and signal["modifier"] == "reciprocal"
    )
    if undefined:
        return float(signal["missing"])
    way = {"none": lambda n: n, "log1p": lambda n: math.log10(n + 1), "sqrt": math.sqrt}
    return float(way.get(signal["modifier"], lambda n: 1 / n)(number))


def _distance(signal: Facts, known: Any) -> tuple[float, float]:
    """Scale of a decay, and distance beyond its offset, in the same unit."""
    if signal["field"] == "price":
        return signal["scale"], max(0, abs(known - signal["origin"]) - signal["offset"])
    if signal["field"] == "released":
        date = datetime.fromisoformat(known).replace(tzinfo=UTC)
        days = abs(date - NOW).total_seconds() / 86400
        return {"30d": 30, "8760h": 365}[signal["scale"]], max(0, days - 1)
    origin = [float(part) for part in signal["origin"].split(",")]
    one, other = (_on_sphere(*place) for place in ((known["lat"], known["lon"]), origin))
    chord = math.dist(one, other)
    far = 2 * 6371.0087714 * math.asin(min(1.0, chord / 2))
    return float(signal["scale"][:-2]), far


def _on_sphere(latitude: float, longitude: float) -> tuple[float, float, float]:
    up, along = math.radians(latitude), math.radians(longitude)
    return math.cos(up) * math.cos(along), math.cos(up) * math.sin(along), math.sin(up)


@dataclass(frozen=True)
class Moved:
    """A hit after the signals.

    Attributes:
        parts: Base and shares, before the bound.
    """

    id: str
    score: float
    parts: list[float]


def moved(
    hits: Sequence[Hit],
    signals: Sequence[Facts],
    known: Mapping[str, Facts],
    *,
    combine: str,
    bound: float,
    least: Mapping[str, float],
    window: int = WINDOW,
) -> list[Moved]:
    """The first hits in the order of the signals, best first; the order before breaks ties.

    Args:
        hits: As a search without signals ranks them.
        least: Leg -> score of its last hit, if there may be more with the same.
        window: Number of hits that move.
    """
    first = hits[:window]
    # A score is shown as the shortest decimal of its 32 bits.
    scores = {hit.id: float(np.float32(hit.score)) for hit in first}
    best = max(scores.values(), default=1.0)
    found = []
    for hit in first:
        base = max(scores[other.id] for other in first if _equal(hit, other, least)) / best
        weighted = [each["weight"] * value(each, hit.id, known[hit.id]) for each in signals]
        if combine == "sum":
            score = base + sorted([-bound, sum(weighted), bound])[1]
            parts = [base, *weighted]
        else:
            factors = [max(1 + each, 1e-6) for each in weighted]
            score = base * sorted([1 / (1 + bound), math.prod(factors), 1 + bound])[1]
            parts = [base, *factors]
        found.append(Moved(hit.id, score, parts))
    return sorted(found, key=lambda each: -each.score)


def _equal(hit: Hit, other: Hit, least: Mapping[str, float]) -> bool:
    """Whether nothing tells two hits apart: their scores in the legs, as far as known of all.

    The vectors of one text differ in their last bits if it was embedded in different batches.
    """
    return all(
        (one is None and two is None)
        or (one is not None and two is not None and math.isclose(one, two, rel_tol=1e-6))
        for leg, last in least.items()
        for one, two in [(_score(hit, leg, last), _score(other, leg, last))]
    )


def _score(hit: Hit, leg: str, last: float) -> float | None:
    score = hit.stages[leg].score if leg in hit.stages else None
    return None if score is None or math.isclose(score, last, rel_tol=1e-6) else score


def reranked(
    first: Sequence[Moved], scores: Mapping[str, float], *, weight: float
) -> list[tuple[str, float, list[float]]]:
    """Id, score and shares of the hits that were reranked, best first."""
    stage = np.array([each.score for each in first], dtype=np.float32)
    spread = stage.max() - stage.min()
    scaled = np.ones(len(stage)) if spread < 1e-6 else (stage - stage.min()) / spread
    mixed = [
        (each.id, [(1 - weight) * float(before), weight * scores[each.id]])
        for each, before in zip(first, scaled, strict=True)
    ]
    return sorted(((id_, sum(parts), parts) for id_, parts in mixed), key=lambda each: -each[1])
