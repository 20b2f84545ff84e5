"""Whether a search admits that the shop does not sell what was asked for.

    python -m benchmarks.zero_results

The rival is the same search without a floor (`search.floor` off), which always finds something. The
floor is measured on the catalogue alone, by `index calibrate`. Each set is split in two: the rules
were chosen on the first half, the second half is reported as well.

- goods: names of goods from `goods.txt` that no title or category of the catalogue contains
- gibberish: made of random letters, seeded
- sold: judged queries; one is lost if a relevant product was found and now nothing is
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks.command import Options, parse_arguments
from es_hybrid.client import connect
from es_hybrid.embedding import open_embedder
from es_hybrid.evaluation.floor import calibrate_index
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from training.data import CHORUS, cluster, judged_data, load_products

SEED = 18
GOODS = Path(__file__).with_name("goods.txt")
HALVES = ("chosen on", "held out")
# Letters of a keyboard.
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def not_sold(products: Path) -> Iterator[str]:
    """Goods that no title or category names, in either number."""
    named = [_words(f"{each['title']} {each.get('category', '')}") for each in _read(products)]
    goods = [" ".join(each.split()) for each in GOODS.read_text("utf-8").split(",")]
    random.Random(SEED).shuffle(goods)
    return (each for each in goods if not any(_words(each) <= words for words in named))


def _read(path: Path) -> Iterator[dict[str, Any]]:
    yield from map(orjson.loads, path.read_bytes().splitlines())


def _words(text: str) -> set[str]:
    return {re.sub("(?:es|s)$", "", word) for word in re.findall(r"\w+", text.lower())}


def gibberish(count: int) -> list[str]:
    """Random letters: any, of one row of the keyboard, syllables, and of two rows."""
    chance = random.Random(SEED)

    def of(letters: str, least: int, most: int) -> str:
        return "".join(chance.choices(letters, k=chance.randint(least, most)))

    kinds: list[Callable[[], str]] = [
        lambda: of("abcdefghijklmnopqrstuvwxyz", 5, 12),
        lambda: " ".join(of(ROWS[1], 3, 7) for _ in range(2)),
        lambda: "".join(of("bcdfghjklmnprst", 1, 1) + of("aeiou", 1, 1) for _ in range(4)),
        lambda: f"{of(ROWS[0], 4, 6)} {of(ROWS[2], 4, 6)}",
    ]
    return [kinds[number % len(kinds)]() for number in range(count)]


def judged(folder: Path, suffix: str) -> Iterator[tuple[str, list[Query], Qrels]]:
    """The judged queries of a catalogue, the English ones and all others."""
    qrels = read_qrels(folder / f"qrels{suffix}.txt")
    queries = answerable(read_queries(folder / f"queries{suffix}.tsv"), qrels)
    queries = [query for query in queries if len(query.text) <= 100]
    random.Random(SEED).shuffle(queries)
    for kind, is_english in (("sold, en", True), ("sold, other", False)):
        if chosen := [query for query in queries if ((query.lang or "en") == "en") == is_english]:
            yield kind, chosen, qrels


def settings_of(url: str, name: str, *, floor: bool = True) -> Settings:
    """Settings for searches of a catalogue."""
    index = {"name": f"bench-zero-{name}"}
    return load_settings(
        flags={"elasticsearch": {"url": url}, "index": index, "search": {"floor": floor}}
    )


class Table:
    """The rows of one catalogue.

    Args:
        shop: Searches with a floor.
        rival: Searches without.
    """

    def __init__(self, shop: HybridSearch, rival: HybridSearch) -> None:
        self.rows: dict[str, list[bool]] = {}
        self._shop = shop
        self._rival = rival

    def absent(self, kind: str, texts: Sequence[str]) -> None:
        """How many of these queries find nothing, as they should."""
        nothing = [self._total(text) == 0 for text in texts]
        self._print(
            kind, nothing, [text for text, each in zip(texts, nothing, strict=True) if not each]
        )

    def sold(self, kind: str, queries: Sequence[Query], qrels: Qrels) -> None:
        """How many of these queries lose a relevant product."""
        lost = []
        for query in queries:
            nothing = self._total(query.text) == 0
            hits = self._rival.search(query.text, size=100, rerank=False).hits if nothing else ()
            lost.append(any(qrels[query.id].get(hit.id, 0) > 0 for hit in hits))
        self._print(
            kind, lost, [query.text for query, each in zip(queries, lost, strict=True) if each]
        )

    def _total(self, text: str) -> int:
        return self._shop.search(text, size=1, rerank=False).total

    def _print(self, kind: str, values: list[bool], wrong: Sequence[str]) -> None:
        self.rows[kind] = values
        shares = "".join(f"{share(each):>11.1%}" for each in (values, values[::2], values[1::2]))
        print(f"{kind:<14}{len(values):>6}{shares}  {', '.join(wrong)}")


def share(values: Sequence[bool]) -> float:
    """Share of the true ones; 0 of none."""
    return sum(values) / max(len(values), 1)


def report(name: str, folder: Path, url: str, options: Options) -> Table:
    """Load, calibrate and ask one catalogue."""
    settings = settings_of(url, name)
    load_products(settings, folder / "products.jsonl")
    with ExitStack() as stack:
        client = stack.enter_context(closing(connect(settings.elasticsearch)))
        embedder = stack.enter_context(closing(open_embedder(settings.embedding)))
        [(_, floor)] = calibrate_index(client, settings.index.name, settings, embedder)
        print(f"\n{name}: {floor}")
        print(f"{'':<14}{'n':>6}{'all':>11}{HALVES[0]:>11}{HALVES[1]:>11}  wrong")
        table = Table(
            stack.enter_context(HybridSearch.open(settings)),
            stack.enter_context(HybridSearch.open(settings_of(url, name, floor=False))),
        )
        table.absent("goods", list(islice(not_sold(folder / "products.jsonl"), options.goods)))
        table.absent("gibberish", gibberish(options.gibberish))
        for suffix in ("", ".i18n") if folder == CHORUS else ("",):
            for kind, queries, qrels in judged(folder, suffix):
                table.sold(kind, queries[: options.sold], qrels)
    return table


def main() -> None:
    """Ask every catalogue, and print the tables and the ratios."""
    options = parse_arguments(
        __doc__, elasticsearch=True, goods=(150, 5), gibberish=(100, 5), sold=(400, 5)
    )
    data = judged_data(smoke=options.smoke)
    with cluster(options.url) as url:
        tables = {name: report(name, folder, url, options) for name, folder in data.items()}
    for name, table in tables.items():
        rows = {kind: values[1::2] for kind, values in table.rows.items()}
        options.print_ratio(f"{name}_nothing", share(rows["goods"] + rows["gibberish"]))
        options.print_ratio(f"{name}_lost_en", share(rows["sold, en"]))
        options.print_ratio(f"{name}_lost_other", share(rows["sold, other"]))


if __name__ == "__main__":
    main()
