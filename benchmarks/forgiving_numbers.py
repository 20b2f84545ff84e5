"""Trade numbers as shoppers, scanners and documents write them, and how many are found first.

    python -m benchmarks.forgiving_numbers [--url URL]

400 forms of the SKUs and GTINs of chorus-icecat (docs/data.md, if present) and of the sample
catalogue: other separators, labels, zeros, signs of typesetters. Of a long number's halves it is
enough that the product is among the first ten. The search was developed on one half of the
numbers; the other half is reported apart.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from benchmarks.command import parse_arguments
from es_hybrid.align.compare.keys import plain_key
from es_hybrid.gtin import gtin14
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from training.data import CHORUS, SAMPLE, cluster, load_products

Product = Mapping[str, Any]
Write = Callable[[str, random.Random], str]
# Number -> ids of the products that have it.
Numbers = dict[str, set[str]]

# Other SKUs of chorus are names, such as "flat screen desk mount".
_SKU = re.compile(r"(?=.*\d)[A-Za-z0-9]+(?:[-./_][A-Za-z0-9]+)*")
_SEPARATORS = "-./_"
_TEN = 10


class NumberQuery(NamedTuple):
    """A query, and the products that have the number.

    Attributes:
        form: Name of the way it is written.
        ids: Products that share the number; one of them is enough.
        depth: One of the first so many hits must be such a product.
        held_out: Whether the search was developed without it.
    """

    query: str
    form: str
    ids: frozenset[str]
    depth: int
    held_out: bool


class Form(NamedTuple):
    """A way to write a number.

    Attributes:
        needs: The number contains one of these signs; `0`: starts with it.
    """

    name: str
    write: Write
    needs: str = ""
    depth: int = 1


def _labelled(*labels: str) -> Write:
    return lambda number, rng: rng.choice(labels) + number


def _replaced(separator: str) -> Write:
    return lambda number, rng: re.sub(f"[{_SEPARATORS}]", separator, number)


def _other_separator(number: str, rng: random.Random) -> str:
    """Every separator replaced by another one, and one more where digits follow letters."""
    there = "".join(set(number) & set(_SEPARATORS))
    other = rng.choice([each for each in _SEPARATORS if each not in there])
    more = re.sub(r"(?<=[A-Za-z])(?=\d)", other, number, count=1)
    return re.sub(f"[{_SEPARATORS}]", other, more)


def _full_width(number: str, rng: random.Random) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in number)


def _with_invisible(number: str, rng: random.Random) -> str:
    at = rng.randrange(len(number))
    return f"{number[:at]}\u200b{number[at:]}{rng.choice(['', chr(0xFEFF)])}"


def _dashes(number: str, rng: random.Random) -> str:
    return number.replace("-", rng.choice("\u2010\u2011\u2013\u2212"))


def _in_groups(number: str, rng: random.Random) -> str:
    """As printed below a bar code, or in two groups."""
    return re.sub(r"^(.)(.{6})", rf"\1{(sign := rng.choice(' -'))}\2{sign}", number)


SKU_FORMS = (
    Form("exact", lambda number, rng: number),
    Form("lower case", lambda number, rng: number.lower()),
    Form("separators left out", _replaced(""), needs=_SEPARATORS),
    Form("other separators", _other_separator, needs=_SEPARATORS),
    Form("spaces", _replaced(" "), needs=_SEPARATORS),
    Form("dashes", _dashes, needs="-"),
    Form("full width", _full_width),
    Form("invisible characters", _with_invisible),
    Form("label", _labelled("SKU ", "Art.-Nr. ", "Artikelnummer: ", "Ref. ", "MPN: ", "型号")),
    Form("first half", lambda number, rng: number[: math.ceil(len(number) / 2)], depth=_TEN),
    Form("last half", lambda number, rng: number[len(number) // 2 :], depth=_TEN),
)  # fmt: skip
GTIN_FORMS = (
    Form("GTIN", lambda number, rng: number),
    Form("GTIN, more zeros", lambda number, rng: number.zfill(14)),
    Form("GTIN, fewer zeros", lambda number, rng: number.lstrip("0"), needs="0"),
    Form("GTIN, in groups", _in_groups),
    Form("GTIN, label", _labelled("EAN ", "EAN-13: ", "GTIN ", "UPC ", "条码", "バーコード ")),
)


def trade_numbers(
    catalogues: Sequence[Sequence[Product]], seed: int = 0, *, count: int = 400
) -> list[NumberQuery]:
    """Forms of numbers of products, as many of each form and, where there are, of each catalogue.

    Args:
        catalogues: Rows with `id`, `sku`, and `gtin` or `ean`; the one with most numbers last.
    """
    rng = random.Random(seed)
    kinds = [_numbers(rows) for rows in catalogues]
    queries: list[NumberQuery] = []
    forms = [(form, at) for at, forms in enumerate((SKU_FORMS, GTIN_FORMS)) for form in forms]
    for made, (form, kind) in enumerate(forms, 1):
        for left, kinds_of_one in zip(range(len(kinds), 0, -1), kinds, strict=True):
            wanted = math.ceil((count * made / len(forms) - len(queries)) / left)
            queries += _queries(kinds_of_one[kind], form, wanted, rng)
    return queries[:count]


def _queries(numbers: Numbers, form: Form, count: int, rng: random.Random) -> list[NumberQuery]:
    shuffled = rng.sample(list(numbers), len(numbers))
    chosen = islice((number for number in shuffled if _fits(number, form, numbers)), count)
    return [
        _query(number, form, numbers, rng, held_out=at % 2 == 1) for at, number in enumerate(chosen)
    ]


def _numbers(rows: Sequence[Product]) -> tuple[Numbers, Numbers]:
    """SKUs and GTINs that are such, each with the products that have it."""
    skus, gtins = defaultdict(set), defaultdict(set)
    for row in rows:
        if _SKU.fullmatch(row["sku"]) and 5 <= len(plain_key(row["sku"])) <= 30:
            skus[row["sku"]].add(row["id"])
        given = row.get("gtin") or row.get("ean") or ()
        for gtin in [given] if isinstance(given, str) else given:
            if gtin14(gtin):
                gtins[gtin].add(row["id"])
    return dict(sorted(skus.items())), dict(sorted(gtins.items()))


def _fits(number: str, form: Form, numbers: Numbers) -> bool:
    """Whether the form is another one than the number's, and means no more than ten products."""
    if form.needs == "0":
        return number.startswith("0")
    if form.depth == 1:
        return not form.needs or any(sign in number for sign in form.needs)
    half = form.write(number, random.Random())
    return (
        len(plain_key(number)) >= 10
        and any(map(str.isdigit, half))
        and sum(len(ids) for other, ids in numbers.items() if half in other) <= _TEN
    )


def _query(
    number: str, form: Form, numbers: Numbers, rng: random.Random, *, held_out: bool
) -> NumberQuery:
    """Two numbers that differ in separators alone are one for all but its exact form."""
    key = plain_key(number)
    same = [number] if form.name == "exact" else [n for n in numbers if plain_key(n) == key]
    ids = frozenset(id_ for each in same for id_ in numbers[each])
    return NumberQuery(form.write(number, rng), form.name, ids, form.depth, held_out)


def found(shop: HybridSearch, queries: Sequence[NumberQuery]) -> list[bool]:
    """Whether each number's product is among the first `depth` hits."""
    return [
        not query.ids.isdisjoint(
            hit.id for hit in shop.search(query.query, size=_TEN).hits[: query.depth]
        )
        for query in queries
    ]


def report(queries: Sequence[NumberQuery], right: Sequence[bool]) -> None:
    """Print the share of each form, in the half for development and in the other one."""
    print(f"\n{'form':<24}{'developed on':>14}{'held out':>14}")
    forms = [each.name for each in (*SKU_FORMS, *GTIN_FORMS)]
    for name, chosen in [*((form, [form]) for form in forms), ("all", forms)]:
        shares = [_share(queries, right, chosen, held_out) for held_out in (False, True)]
        print(f"{name:<24}" + "".join(f"{share:>14}" for share in shares))
    for query, is_right in zip(queries, right, strict=True):
        if not is_right:
            print(f"not found: {query.query!r} ({query.form})")


def _share(
    queries: Sequence[NumberQuery], right: Sequence[bool], forms: Sequence[str], held_out: bool
) -> str:
    chosen = [
        is_right
        for query, is_right in zip(queries, right, strict=True)
        if query.form in forms and query.held_out == held_out
    ]
    return f"{sum(chosen)} of {len(chosen)}"


def main() -> None:
    """Load both catalogues into one index, search all forms, print the table and the ratio."""
    options = parse_arguments(__doc__, elasticsearch=True, count=(400, 40))
    folders = [SAMPLE] if options.smoke or not CHORUS.exists() else [SAMPLE, CHORUS]
    catalogues = [
        [json.loads(line) for line in (folder / "products.jsonl").open(encoding="utf-8")]
        for folder in folders
    ]
    queries = trade_numbers(catalogues, count=options.count)
    with cluster(options.url) as url:
        settings = load_settings(
            flags={
                "elasticsearch": {"url": url},
                "index": {"name": "bench-numbers"},
                "rerank": {"enabled": False},
            }
        )
        for folder in folders:
            load_products(settings, folder / "products.jsonl", say=print)
        with HybridSearch.open(settings) as shop:
            right = found(shop, queries)
    report(queries, right)
    print()
    options.print_ratio("trade_numbers_found", sum(right) / len(right))


if __name__ == "__main__":
    main()
