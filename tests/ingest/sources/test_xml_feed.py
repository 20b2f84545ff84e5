from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from ingest.sources import Row, guess_format, open_rows, xml_feed

RSS = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0" xmlns:media="urn:media">
<channel><title>Shop</title><link>https://shop.example</link>
<item>
  <g:id>1</g:id><title>RSS title</title><g:title>Küche &amp; Bad</g:title>
  <description><![CDATA[<p>A "mug"</p>]]></description>
  <g:price>12.99 EUR</g:price><g:gtin/><media:content>x</media:content>
  <g:additional_image_link>a.jpg</g:additional_image_link>
  <g:additional_image_link>b.jpg</g:additional_image_link>
  <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
</item>
<item><g:id>2</g:id><title>Cap</title></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<title>Shop</title><entry><g:id>1</g:id><title>Mug</title>
<link href="https://shop.example/1" rel="alternate"/></entry></feed>"""


def read(folder: Path, content: str | bytes, name: str = "a.xml") -> list[Row]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_rows(str(path), guess_format(name)))


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
def test_rss(tmp_path: Path, encoding: str) -> None:
    first, second = read(tmp_path, RSS.format(encoding=encoding).encode(encoding))
    assert first.place == f"{tmp_path}/a.xml:item 1"
    assert first.values == {
        "id": "1",
        "title": "Küche & Bad",
        "description": '<p>A "mug"</p>',
        "price": "12.99 EUR",
        "content": "x",
        "additional_image_link": ["a.jpg", "b.jpg"],
        "shipping": {"country": "DE", "price": "4.90 EUR"},
    }
    assert second.values == {"id": "2", "title": "Cap"}


def test_atom_and_compressed(tmp_path: Path) -> None:
    (row,) = read(tmp_path, gzip.compress(ATOM.encode()), "a.xml.gz")
    assert row.values["title"] == "Mug"
    assert row.values["link"] == {"href": "https://shop.example/1", "rel": "alternate"}


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss>&b;</rss>'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "it declares a document type or an entity"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><rss/>', "it declares a document type"),
        ("<rss><channel><item></rss>", "not well-formed XML: mismatched tag: line 1"),
        ("<rss>\n<channel>\n<item><id>1</id>", "not well-formed XML: no element found: line 3"),
        ("<products><product/></products>", "the XML is no RSS or Atom feed: its root is 'produc"),
        ("<rss><channel/></rss>", "the feed has no products"),
        ("<html><body>Log in</body></html>", "this is an HTML page"),
        ('{"id": 1}', "this is JSON"),
        ('<?xml version="1.0" encoding="nonsense"?><rss/>', "not well-formed XML"),
        ("", "not well-formed XML"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SourceError) as error:
        read(tmp_path, text)
    assert problem in error.value.message
    assert error.value.remedy


def test_memory_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xml"
    with path.open("w") as file:
        file.write("<rss><channel>")
        for number in range(10_000):
            file.write(f"<item><id>{number}</id><title>{'x' * 1000}</title></item>\n")
        file.write("</channel></rss>")
    tracemalloc.start()
    try:
        count = sum(1 for _ in open_rows(str(path), "xml"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 10_000
    assert peak < 5 * 1024**2
    monkeypatch.setattr(xml_feed, "MAX_LINE_BYTES", 100_000)
    with pytest.raises(SourceError, match="more than 100,000 bytes without a product"):
        read(tmp_path, "<rss><item>" + "x" * 1_000_000)
    with pytest.raises(SourceError, match="more than 20,000 elements without a product"):
        read(tmp_path, "<rss><item>" + "<a>" * 25_000)
