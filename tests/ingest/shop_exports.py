"""Made-up exports of shop platforms, as ugly as real ones, with the truth about what they hold.

    python -m tests.ingest.shop_exports --rows 5000

maps, checks and loads each into an embedded node, and prints which fields are filled.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from click.testing import CliRunner
from elasticsearch import Elasticsearch

from es_hybrid.cli import main as es_hybrid
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import load_settings
from ingest.load.job import LoadJob
from ingest.record.tally import Tally
from tests.fakes.embedding import EmbeddingServer

FIELDS = ("title", "description", "brand", "category", "price", "sku", "gtin", "attributes")
BRANDS = ("Nordwind", "Feld & Söhne", "Ærø", "Maison Légère")
KINDS = ("Hoodie", "Rain jacket", "Linen shirt", "Trail shoe", "Wool cap", "Canvas bag")
COLOURS, SIZES = ("Red", "Blue", "M/Green"), ("S", "M", "L", "S/M")
DESCRIPTIONS = (
    "<p>Warm &amp; soft,<br>for &quot;cold&quot; days.</p>",
    "Plain text; with a semicolon, and a comma",
    "&amp;lt;b&amp;gt;Twice escaped&amp;lt;/b&amp;gt; by two systems",
    "<ul><li>Line one</li>\n<li>Line two</li></ul>",
)
NULLS = ("NULL", "n/a", "\\N")
BAD_PRICES = ("on request", "from 10 to 20")
DAMAGED_GTINS = ("4.00639E+12", "4006381333932", "none")


@dataclass(slots=True)
class Item:
    """A product as its shop knows it; an empty value is one that a load must not store."""

    number: int
    title: str
    description: str
    brand: str
    category: list[str]
    price: str
    gtin: str
    written: dict[str, str]

    @property
    def sku(self) -> str:
        return f"SKU-{self.number:05}"

    def filled(self, *more: str) -> frozenset[str]:
        """The fields that its document has."""
        own = {name: getattr(self, name) for name in FIELDS if hasattr(self, name)}
        return frozenset(name for name, value in own.items() if value) | set(more)


@dataclass(slots=True)
class Truth:
    """What an export holds.

    Attributes:
        rows: All rows or objects that make one.
        documents: Id -> the fields that the document has.
        skipped: Rows that intentionally make no product.
        repeated: Rows with the id of another one.
        damaged: Rows that cannot be read or used.
    """

    rows: int = 0
    documents: dict[str, frozenset[str]] = field(default_factory=dict)
    skipped: int = 0
    repeated: int = 0
    damaged: int = 0

    def add(self, id_: str, fields: frozenset[str]) -> None:
        """A row that makes a document."""
        self.rows += 1
        self.repeated += id_ in self.documents
        self.documents[id_] = fields

    def skip(self) -> None:
        """A row that makes none."""
        self.rows += 1
        self.skipped += 1


Maker = Callable[[random.Random, int], tuple[bytes, Truth]]


def items(rng: random.Random) -> Iterator[Item]:
    """Products without end; some values are missing, wrong, or words for nothing."""
    for number in range(10**6):
        brand = rng.choice(BRANDS)
        price = f"{rng.randrange(100, 99_999) / 100:.2f}"
        gtin = _gtin(rng)
        written = {"brand": brand, "price": price, "gtin": gtin}
        if rng.random() < 0.03:
            brand, written["brand"] = "", rng.choice(NULLS)
        if rng.random() < 0.02:
            price, written["price"] = "", rng.choice(BAD_PRICES)
        if rng.random() < 0.05:
            gtin, written["gtin"] = "", rng.choice((*DAMAGED_GTINS, ""))
        elif rng.random() < 0.3:
            written["gtin"] = f"'{gtin}"
        description = rng.choice(DESCRIPTIONS) if rng.random() < 0.9 else ""
        title = f"{rng.choice(KINDS)} number {number}"
        yield Item(number, title, description, brand, ["Clothing", rng.choice(KINDS)], price, gtin,
                   written)  # fmt: skip


def _gtin(rng: random.Random) -> str:
    digits = "4" + "".join(rng.choices("0123456789", k=11))
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


class Table:
    """Rows of a CSV or TSV file; one in a hundred gets damaged."""

    def __init__(self, header: Sequence[str], rng: random.Random, truth: Truth, mark: str) -> None:
        self._header, self._rng, self._truth, self._mark = header, rng, truth, mark
        self._lines = [self._line(dict(zip(header, header, strict=True)))]

    def add(self, values: Mapping[str, Any]) -> None:
        """A row by the names of the columns."""
        self._lines.append(self._line(values))

    def damage(self) -> None:
        """Perhaps a row that no one can read: too many fields, or one byte of another encoding."""
        if self._rng.random() < 0.01:
            self._truth.rows += 1
            self._truth.damaged += 1
            if self._rng.random() < 0.5:
                self._lines.append(self._mark.join(["x"] * (len(self._header) + 2)) + "\r\n")
            else:
                self._lines.append("caf\udce9" + self._mark * (len(self._header) - 1) + "\r\n")

    @property
    def content(self) -> bytes:
        """The file."""
        return "".join(self._lines).encode(errors="surrogateescape")

    def _line(self, values: Mapping[str, Any]) -> str:
        out = io.StringIO()
        csv.writer(out, delimiter=self._mark).writerow(
            [values.get(name, "") for name in self._header]
        )
        return out.getvalue()


def shopify_csv(rng: random.Random, rows: int, *, filled_down: bool = False) -> tuple[bytes, Truth]:
    """Variants below their product, images between them; perhaps filled down."""
    truth = Truth()
    header = [
        "Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Tags", "Published",
        "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Variant SKU",
        "Variant Price", "Variant Compare At Price", "Variant Barcode", "Image Src", "Status",
    ]  # fmt: skip
    table = Table(header, rng, truth, ",")
    for item in items(rng):
        if truth.rows >= rows:
            return table.content, truth
        table.damage()
        handle = f"p-{item.number}"
        shared = {
            "Title": item.title, "Body (HTML)": item.description, "Vendor": item.written["brand"],
            "Product Category": " > ".join(item.category), "Tags": "new, sale", "Published": "TRUE",
            "Option1 Name": "Size", "Option2 Name": "Colour",
            "Status": "draft" if rng.random() < 0.03 else "active",
        }  # fmt: skip
        is_draft = shared["Status"] == "draft"
        options = [(s, c) for s in SIZES for c in COLOURS][: rng.randrange(1, 12)]
        for place, (size, colour) in enumerate(options):
            own = {
                "Handle": handle, "Option1 Value": size, "Option2 Value": colour,
                "Variant SKU": f"{item.sku}-{place}", "Variant Price": item.written["price"],
                "Variant Barcode": item.written["gtin"], "Image Src": "a.png" if not place else "",
            }  # fmt: skip
            again = shared if not place or filled_down else {}
            table.add({**again, **own})
            if is_draft:
                truth.skip()
            else:
                id_ = "/".join(part.replace("/", r"\/") for part in (handle, size, colour))
                truth.add(id_, item.filled("sku", "attributes"))
        if rng.random() < 0.4:
            table.add({"Handle": handle, "Image Src": "b.png", **(shared if filled_down else {})})
            truth.skip()
    raise AssertionError


def shopify_json(rng: random.Random, rows: int, *, array: bool = False) -> tuple[bytes, Truth]:
    """One object for each product, in lines or in one list."""
    truth, objects = Truth(), []
    for item in items(rng):
        if truth.rows >= rows:
            break
        status = "archived" if rng.random() < 0.03 else "active"
        sizes = rng.sample(SIZES, rng.randrange(1, 4))
        objects.append(
            {
                "id": 7000 + item.number, "title": item.title, "handle": f"p-{item.number}",
                "body_html": item.description, "vendor": item.written["brand"], "status": status,
                "product_type": " > ".join(item.category), "tags": ["new", "sale"],
                "options": [{"name": "Size"}],
                "variants": [
                    {"id": n, "option1": size, "sku": f"{item.sku}-{n}",
                     "price": item.written["price"], "barcode": item.written["gtin"] or None}
                    for n, size in enumerate(sizes)
                ],
            }
        )  # fmt: skip
        if status == "archived":
            truth.skip()
            continue
        for size in sizes:
            id_ = f"p-{item.number}/{size}".replace("S/M", r"S\/M")
            truth.add(id_, item.filled("sku", "attributes"))
    if array:
        return json.dumps({"products": objects}, indent=1).encode(), truth
    return "".join(json.dumps(each) + "\n" for each in objects).encode(), truth


def woocommerce(rng: random.Random, rows: int, *, mark: str = ",") -> tuple[bytes, Truth]:
    """Simple products, and variations before, below and far from their parent."""
    truth = Truth()
    header = [
        "ID", "Type", "SKU", "GTIN, UPC, EAN, or ISBN", "Name", "Published", "Description",
        "Sale price", "Regular price", "Categories", "Tags", "Parent", "Brands",
        "Attribute 1 name", "Attribute 1 value(s)",
    ]  # fmt: skip
    table = Table(header, rng, truth, mark)
    late: list[dict[str, Any]] = []
    for item in items(rng):
        if truth.rows + len(late) >= rows:
            break
        table.damage()
        published = "1" if rng.random() > 0.03 else rng.choice(("0", "-1"))
        base = {
            "ID": str(10 * item.number), "Name": item.title, "Published": published,
            "Description": item.description.replace("\n", "\\n"), "Type": "simple",
            "Categories": f"Sale\\, new, {' > '.join(item.category)}", "Tags": "soft, warm",
            "Brands": item.written["brand"], "SKU": item.sku,
            "GTIN, UPC, EAN, or ISBN": item.written["gtin"],
            "Regular price": item.written["price"],
            "Sale price": "1.99" if rng.random() < 0.2 and item.price else "",
        }  # fmt: skip
        if rng.random() < 0.6:
            _count(truth, published, base["ID"], item.filled("sku", "attributes"))
            table.add(base)
            continue
        parent = {**base, "Type": "variable", "Regular price": "", "Sale price": "",
                  "GTIN, UPC, EAN, or ISBN": "", "Attribute 1 name": "Colour",
                  "Attribute 1 value(s)": "Red, Blue"}  # fmt: skip
        reference = rng.choice((item.sku, f"id:{base['ID']}"))
        children = [
            {"ID": f"{base['ID']}{n}1", "Type": "variation", "Name": f"{item.title} - {colour}",
             "Published": "1", "Parent": reference, "Regular price": item.written["price"],
             "GTIN, UPC, EAN, or ISBN": item.written["gtin"], "SKU": f"{item.sku}-{n}",
             "Attribute 1 name": "Colour", "Attribute 1 value(s)": colour}
            for n, colour in enumerate(("Red", "Blue"))
        ]  # fmt: skip
        for child in children:
            _count(truth, published, child["ID"], item.filled("sku", "attributes"))
        truth.skip()
        where = rng.random()
        if where < 0.2:
            late += [parent]
        for row in children if where < 0.2 else [parent, *children]:
            table.add(row)
    for row in late:
        table.add(row)
    return table.content, truth


def _count(truth: Truth, published: str, id_: str, fields: frozenset[str]) -> None:
    if published == "1":
        truth.add(id_, fields)
    else:
        truth.skip()


def magento(rng: random.Random, rows: int, *, views_first: bool = False) -> tuple[bytes, Truth]:
    """Store views that translate, and configurable products with variants before or after them."""
    truth = Truth()
    header = [
        "sku", "store_view_code", "product_type", "categories", "name", "description", "price",
        "special_price", "visibility", "product_online", "additional_attributes",
        "configurable_variations",
    ]  # fmt: skip
    table = Table(header, rng, truth, ",")
    for item in items(rng):
        if truth.rows >= rows:
            return table.content, truth
        table.damage()
        attributes = (
            f'manufacturer={item.written["brand"]},ean={item.written["gtin"]},care="cold, dry"'
        )
        online = "2" if rng.random() < 0.03 else "1"
        default = {
            "sku": item.sku, "product_type": "simple", "name": item.title, "product_online": online,
            "categories": "Default Category/Sale,Default Category/" + "/".join(item.category),
            "description": item.description, "price": item.written["price"],
            "visibility": "Catalog, Search", "additional_attributes": attributes,
        }  # fmt: skip
        filled = item.filled("sku", "attributes")
        group = [default]
        if rng.random() < 0.4:
            view = {"sku": item.sku, "store_view_code": "de", "name": f"Deutsch {item.number}"}
            group.append(view)
            _count(truth, online, f"{item.sku}/de", filled)
            if rng.random() < 0.3:
                group.append({"sku": item.sku, "store_view_code": "fr"})
                truth.skip()
        _count(truth, online, item.sku, filled)
        if rng.random() < 0.3:
            variant = {**default, "sku": f"{item.sku}-S", "visibility": "Not Visible Individually",
                       "product_online": "1", "categories": "", "description": ""}  # fmt: skip
            listed = f"sku={variant['sku']},size=S"
            parent = {**default, "sku": f"{item.sku}-C", "product_type": "configurable",
                      "price": "", "configurable_variations": listed}  # fmt: skip
            _count(truth, online, variant["sku"], filled)
            truth.skip()
            group += [parent, variant] if rng.random() < 0.5 else [variant, parent]
        for row in group[::-1] if views_first else group:
            table.add(row)
    raise AssertionError


def google_tsv(rng: random.Random, rows: int, *, spaced: bool = False) -> tuple[bytes, Truth]:
    """One product in each row; perhaps with spaces in the names of the columns."""
    truth = Truth()
    names = [name.replace("_", " ") if spaced else name for name in GOOGLE]
    table = Table(names, rng, truth, "\t")
    for entry, item in _google(rng):
        if truth.rows >= rows:
            return table.content, truth
        table.damage()
        table.add({name: entry[own] for name, own in zip(names, GOOGLE, strict=True)})
        truth.add(item.sku, item.filled("attributes"))
        if rng.random() < 0.01:
            table.add({name: entry[own] for name, own in zip(names, GOOGLE, strict=True)})
            truth.add(item.sku, item.filled("attributes"))
    raise AssertionError


GOOGLE = (
    "id", "title", "description", "link", "image_link", "availability", "price",
    "google_product_category", "product_type", "brand", "gtin", "mpn", "item_group_id",
)  # fmt: skip


def _google(rng: random.Random) -> Iterator[tuple[dict[str, str], Item]]:
    for item in items(rng):
        price = f"{item.written['price']} EUR" if item.price else item.written["price"]
        yield {
            "id": item.sku, "title": item.title, "link": "https://shop.example/p",
            "description": item.description.replace("\n", " "), "availability": "in_stock",
            "image_link": "https://shop.example/p.png", "price": price,
            "google_product_category": "1604", "product_type": " > ".join(item.category),
            "brand": item.written["brand"], "gtin": item.written["gtin"], "mpn": item.sku,
            "item_group_id": f"g{item.number // 3}",
        }, item  # fmt: skip


def google_xml(rng: random.Random, rows: int, *, atom: bool = False) -> tuple[bytes, Truth]:
    """RSS 2.0 or Atom; elements outside Google's namespace as well as in it."""
    truth, entries = Truth(), []
    tag = "entry" if atom else "item"
    for entry, item in _google(rng):
        if truth.rows >= rows:
            break
        parts = []
        for name, value in entry.items():
            own = name if name in ("title", "description") else f"g:{name}"
            text = f"<![CDATA[{value}]]>" if name == "description" else escape(value)
            parts.append(f"<{own}>{text}</{own}>" if value else f"<{own}/>")
        entries.append(f"<{tag}>{''.join(parts)}</{tag}>\n")
        truth.add(item.sku, item.filled("attributes"))
    space = 'xmlns:g="http://base.google.com/ns/1.0"'
    body = "<title>Shop</title>\n" + "".join(entries)
    whole = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {space}>{body}</feed>'
        if atom
        else f'<rss version="2.0" {space}><channel>{body}</channel></rss>'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n'.encode(), truth


# Name of the file -> what makes it.
EXPORTS: Mapping[str, Maker] = {
    "shopify.csv": shopify_csv,
    "shopify-filled-down.csv": partial(shopify_csv, filled_down=True),
    "shopify.jsonl": shopify_json,
    "shopify.json": partial(shopify_json, array=True),
    "woocommerce.csv": woocommerce,
    "woocommerce-semicolons.csv": partial(woocommerce, mark=";"),
    "magento.csv": magento,
    "magento-views-first.csv": partial(magento, views_first=True),
    "google.tsv": google_tsv,
    "google-spaces.tsv": partial(google_tsv, spaced=True),
    "google.rss.xml": google_xml,
    "google.atom.xml": partial(google_xml, atom=True),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an export.

    Attributes:
        mapped: What `ingest map` printed.
        checked: The report of `ingest check`.
        documents: Id -> the fields that the document has.
    """

    mapped: str
    checked: dict[str, Any]
    tally: Tally
    documents: dict[str, frozenset[str]]


def carried_through(
    path: Path, *, url: str, index: str, embedding: str, client: Elasticsearch
) -> Outcome:
    """Map, check and load a file, with no option but the names of the servers."""
    config = path.with_suffix(".toml")
    config.write_text(
        f'[elasticsearch]\nurl = "{url}"\n[embedding]\nbase_url = "{embedding}"\n'
        f'[index]\nname = "{index}"\n[ingest]\ndefault_lang = "en"\n'
        f'ledger_dir = "{path}.loads"\ndead_letters = "{path}.rejected"\n'
    )
    run = CliRunner().invoke
    mapped = run(es_hybrid, ["ingest", "map", str(path), "--write", "--config", str(config)])
    assert mapped.exit_code == 0, mapped.output
    checked = run(es_hybrid, ["ingest", "check", str(path), "--json", "--config", str(config)])
    job = LoadJob.of(
        load_settings(config), [str(path)], file_format=None, mapping={}, dead_letters=None
    )
    job.run(say=lambda _: None, on_progress=lambda _: None)
    hits = client.search(index=index, size=10_000, source_excludes=["embedding"])["hits"]["hits"]
    documents = {
        hit["_id"]: frozenset(name for name in FIELDS if hit["_source"].get(name)) for hit in hits
    }
    return Outcome(mapped.stdout, json.loads(checked.stdout), job.tally, documents)


def made(name: str, folder: Path, rows: int) -> tuple[Path, Truth]:
    """Write an export; the same one for the same name and number of rows."""
    content, truth = EXPORTS[name](random.Random(f"{name} {rows}"), rows)
    path = folder / name
    path.write_bytes(content)
    return path, truth


def _line(name: str, truth: Truth, outcome: Outcome) -> str:
    tally, found, true = outcome.tally, outcome.documents, truth.documents
    shares = " ".join(
        f"{_share(found, field_name)}/{_share(true, field_name):<4}" for field_name in FIELDS
    )
    lost = tally.rows - tally.created - tally.superseded - tally.skipped - tally.rejected
    return (
        f"{name:<27}{tally.rows:>6}{len(found):>7}{tally.skipped:>8}{tally.superseded:>11}"
        f"{tally.rejected:>9}{lost + len(true.keys() ^ found.keys()):>5}  {shares}"
    )


def _share(documents: Mapping[str, frozenset[str]], name: str) -> str:
    return f"{sum(name in fields for fields in documents.values()) / max(len(documents), 1):.0%}"


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    rows = parser.parse_args().rows
    heads = " ".join(f"{name:<9}" for name in FIELDS)
    sys.stdout.write(f"{'export':<29}rows   docs skipped superseded rejected lost  {heads}\n")
    with (
        EmbeddingServer() as server,
        EmbeddedNode(heap="768m") as node,
        tempfile.TemporaryDirectory() as folder,
        Elasticsearch(node.url, request_timeout=60) as client,
    ):
        for number, name in enumerate(EXPORTS):
            path, truth = made(name, Path(folder), rows)
            outcome = carried_through(
                path, url=node.url, index=f"export-{number}", embedding=server.url, client=client
            )
            sys.stdout.write(_line(name, truth, outcome) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _main()
