"""A small alignment as a run leaves it: German products against English ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from es_hybrid.align.records import PairOutcome
from es_hybrid.align.store import connected, make_store, now

# left title, right title, category, score, decision, rule
PAIRS: Sequence[tuple[str, str, str, float, PairOutcome, str]] = (
    ("Wasserkocher 1,7 l", "Kettle 1.7 L", "Kitchen", 0.95, "merge", "score >= 0.9"),
    ("Küchenwaage", "Kitchen scale", "Kitchen", 0.85, "review", "0.7 <= score < 0.9"),
    ("Kindersitz", "Child seat", "baby", 0.8, "review", "0.7 <= score < 0.9"),
    ("Mixer", "Blender", "Kitchen", 0.75, "review", "0.7 <= score < 0.9"),
    ("Toaster", "Thermometer", "Kitchen", 0.2, "discard", "score < 0.7"),
)


def small_store(path: Path) -> Path:
    """Write `PAIRS` into a new alignment; products are `de-0`, `en-0`, `de-1`…"""
    make_store(path)
    with connected(path, write=True) as connection:
        connection.execute("INSERT INTO facts VALUES ('right_side', 'right')")
        for number, (left, right, category, score, decision, rule) in enumerate(PAIRS):
            for side, lang, title in (("left", "de", left), ("right", "en", right)):
                id_ = f"{lang}-{number}"
                fields = json.dumps({"id": id_, "title": title, "lang": lang})
                connection.execute(
                    "INSERT INTO products VALUES (?, ?, ?, ?, ?)", (side, id_, title, lang, fields)
                )
            connection.execute(
                "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, 'vectors', '', 'made', ?, ?)",
                (
                    f"de-{number}", f"en-{number}", category, score, decision, rule,
                    json.dumps({"knn": [1, score]}), now(),
                ),
            )  # fmt: skip
    return path
