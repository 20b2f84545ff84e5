"""One kettle in four languages, a thermometer, and what an alignment stored about them."""

from __future__ import annotations

import csv
from pathlib import Path

from es_hybrid.align.journal import Journal
from es_hybrid.align.records import PairRecord

# Scenario B2.
B2 = (
    ("k-zh", "zh", "不锈钢电热水壶 1.7升 双层防烫 自动断电"),
    ("k-en", "en", "Stainless Steel Electric Kettle 1.7 L Double Wall Auto Shut-Off"),
    ("k-fr", "fr", "Bouilloire électrique inox 1,7 L double paroi arrêt automatique"),
    ("k-de", "de", "Edelstahl Wasserkocher 1,7 L doppelwandig mit Abschaltautomatik"),
    ("t-en", "en", "Digital Food Thermometer for Kitchen"),
)


def write_csv(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "lang", "title"), *rows])
    return path


def records_of(store: Path) -> dict[tuple[str, str], PairRecord]:
    return {record.pair: record for record in Journal(store).records()}


def group_ids(store: Path) -> list[list[str]]:
    named: dict[str, list[str]] = {}
    for node, name in Journal(store).groups().items():
        named.setdefault(name, []).append(node.id)
    return sorted(sorted(ids) for ids in named.values())
