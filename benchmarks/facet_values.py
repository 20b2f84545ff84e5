"""Which facet values alignment finds to mean the same: precision and recall of the classes.

    python -m benchmarks.facet_values

oracle-oe-multilingual has each category and each supplier under one name in all languages. Here
every language gets names of its own (`monitors (fr)`), which is all that `align values` knows of
them: it counts, and reads no names. Truth: the same category, the same supplier. Groups are

- the true ones, in 30 languages and in six
- the true ones with some products exchanged at random between groups, as a bad alignment would
- those that `align` finds in six languages with the embedded encoder, merged from 0.9 and from 0.7

Precision and recall are those of pairs of values in one class. `questions` are the pairs that a
person is asked about, `answered` is the recall after they are answered.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson

from benchmarks.align import Aligned
from benchmarks.command import parse_arguments
from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.scoring import Weights
from es_hybrid.align.values import GroupedProduct, ValueEvidence
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.settings import EmbeddingSettings, Settings
from ingest.align.values import store_classes, stored_classes
from training.data import ORACLE, SAMPLE, required
from training.multilingual import LANGUAGES, embedded, oracle

FIELDS = {"category": "category_code", "supplier": "supplier_id"}
Row = Mapping[str, Any]


def main() -> None:
    """Measure each set of groups."""
    options = parse_arguments(__doc__)
    rows = _sample() if options.smoke else _rows(required(ORACLE) / "products.jsonl")
    true = {row["id"]: row["sku"] for row in rows}
    print(f"{'groups':<36}{'field':<10}{'P':>7}{'R':>7}{'questions':>11}{'answered':>10}")
    if options.smoke:
        options.print_ratio("facet_values_recall_category", report("true, sample", rows, true))
        return
    six = [row for row in rows if row["lang"] in LANGUAGES]
    ratio = report("true, 30 languages", rows, true)
    report("true, 6 languages", six, true)
    for share in (0.05, 0.1, 0.2):
        report(f"{share:.0%} exchanged, 6 languages", six, exchanged(six, share))
    catalogue = oracle()
    products = embedded(catalogue.products, LocalEmbedder(EmbeddingSettings()))
    aligned = Aligned(catalogue, products, Weights.read(None))
    for merge in (0.9, 0.7):
        found = {id_: str(name) for id_, name in aligned.grouped(merge).items()}
        report(f"align, merge from {merge}, 6 languages", six, found)
    options.print_ratio("facet_values_recall_category", ratio)


def exchanged(rows: Sequence[Row], share: float) -> dict[str, str]:
    """Id -> group; a share of the products is in the group of another SKU."""
    chance = random.Random(1)
    groups = {row["id"]: row["sku"] for row in rows}
    for lang in sorted({row["lang"] for row in rows}):
        moved = [row["id"] for row in rows if row["lang"] == lang and chance.random() < share]
        others = [groups[id_] for id_ in moved]
        groups |= zip(moved, others[1:] + others[:1], strict=True)
    return groups


def report(name: str, rows: Sequence[Row], groups: Mapping[str, str]) -> float:
    """Print the line of each field; returns the recall of categories."""
    members: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["id"] in groups:
            members[groups[row["id"]]].append(row)
    truth = {
        f"{field}={row[key]} ({row['lang']})": row[key]
        for row in rows
        for field, key in FIELDS.items()
    }
    evidence = ValueEvidence()
    for group, found in members.items():
        evidence.add(group, [_product(row) for row in found])
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings().with_(align={"store": Path(folder, "align.sqlite")})
        store_classes(settings, evidence)
        before = _in_classes(settings)
        questions = _answer(settings, truth)
        after = _in_classes(settings)
    recalls = {}
    for field in FIELDS:
        values: defaultdict[str, list[str]] = defaultdict(list)
        for value, meant in truth.items():
            if value.startswith(f"{field}="):
                values[meant].append(value)
        right = {pair for same in values.values() for pair in combinations(sorted(same), 2)}
        hits = {pair for pair in before if pair[0].startswith(f"{field}=")}
        recalls[field] = len(hits & right) / len(right)
        print(
            f"{name:<36}{field:<10}{len(hits & right) / max(len(hits), 1):>7.3f}"
            f"{recalls[field]:>7.3f}{questions[field]:>11}{len(after & right) / len(right):>10.3f}",
            flush=True,
        )
    return recalls["category"]


def _rows(path: Path) -> list[Row]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _sample() -> list[Row]:
    """The sample catalogue with its departments as categories, its categories as suppliers."""
    return [
        {
            **row,
            "sku": row["group"],
            "category_code": row["category"].partition(" > ")[0],
            "supplier_id": row["category"],
        }
        for row in _rows(SAMPLE / "products.jsonl")
    ]


def _product(row: Row) -> GroupedProduct:
    names = {field: frozenset([f"{row[key]} ({row['lang']})"]) for field, key in FIELDS.items()}
    return GroupedProduct(row["id"], row["title"], row["lang"], names)


def _in_classes(settings: Settings) -> set[tuple[str, str]]:
    """Pairs of values in one class."""
    return {
        pair
        for each in stored_classes(settings)
        for pair in combinations(sorted(f"{each.field}={value}" for value in each.values), 2)
    }


def _answer(settings: Settings, truth: Mapping[str, str]) -> Counter[str]:
    """Decide all questions by the truth; returns their number by field."""
    reviews = ReviewStore(settings.align.values_store)
    asked = reviews.queue(1_000_000)
    for pair in asked:
        left, right = pair.record.pair
        reviews.decide(pair.record.pair, truth[left] == truth[right], "truth")
    return Counter(pair.record.category for pair in asked)


if __name__ == "__main__":
    main()
