"""XML feeds of products: RSS and Atom, as Google Merchant Center takes them.

Declared entities and document types are refused (defusedxml), and memory stays small.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import IO, Any, BinaryIO, cast
from xml.etree.ElementTree import Element, ParseError  # nosec B405 - types only

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from es_hybrid.errors import SourceError
from ingest.sources.opening import MAX_LINE_BYTES, opened
from ingest.sources.recognizing import check_kind
from ingest.sources.source import Row, locate

# The element of a product in RSS and in Atom.
_PRODUCTS = ("item", "entry")
_FEEDS = ("rss", "RDF", "feed")
_GOOGLE = "{http://base.google.com/ns/1.0}"
_ATOM = "{http://www.w3.org/2005/Atom}"
# A product with more elements is a broken file or an attack; each takes some hundred bytes.
_MAX_ELEMENTS = 20_000


def read_xml(path: str) -> Generator[Row, None, None]:
    """The products of a feed as objects, by element name without its namespace.

    Repeated elements become lists, elements with elements inside become objects, and an element
    without text is absent. Where two namespaces have the same name, Google's wins, then the feed's.

    Raises:
        SourceError: the file cannot be read, is not well-formed, or is no feed.
    """
    where = locate(path)
    place = where.place
    with opened(where) as stream:
        check_kind(stream, place, may_be="xml")
        yield from _rows(stream, place)


def _rows(stream: BinaryIO, place: str) -> Iterator[Row]:
    bounded = _BoundedStream(stream, place)
    number = 0
    try:
        for product in _products(bounded, place):
            number += 1
            bounded.since_product = 0
            yield Row(f"{place}:item {number}", _object(product))
    except DefusedXmlException as error:
        raise SourceError(
            f"it declares a document type or an entity ({type(error).__name__})",
            place=place,
            remedy="remove the declaration",
        ) from None
    except (ParseError, ValueError, LookupError) as error:  # also of unknown encodings
        raise SourceError(
            f"not well-formed XML: {error}",
            place=place,
            remedy="correct the file, or create it again",
        ) from None
    if number == 0:
        raise SourceError(
            "the feed has no products", place=place, remedy="check how it was written"
        )


def _products(stream: _BoundedStream, place: str) -> Iterator[Element]:
    """The elements of the products, each emptied when the next one is asked for."""
    parents: list[Element] = []
    elements = 0
    inside = 0  # depth inside a product; an item may contain another `item`
    for event, element in iterparse(cast("IO[bytes]", stream), ("start", "end"), forbid_dtd=True):
        is_product = _local(element.tag) in _PRODUCTS
        if event == "start":
            if not parents:
                _check_root(element, place)
            parents.append(element)
            elements += 1
            inside += bool(inside or is_product)
            if elements > _MAX_ELEMENTS:
                raise SourceError(
                    f"more than {_MAX_ELEMENTS:,} elements without a product",
                    place=place,
                    remedy="check that this is a product feed",
                )
            continue
        parents.pop()
        inside -= inside > 0
        if inside:
            continue
        if is_product:
            yield element
            elements = 0
        element.clear()
        if parents:
            parents[-1].remove(element)


def _check_root(root: Element, place: str) -> None:
    if _local(root.tag) not in _FEEDS:
        raise SourceError(
            f"the XML is no RSS or Atom feed: its root is {_local(root.tag)[:40]!r}",
            place=place,
            remedy="export the products for Google Merchant Center, or as CSV or JSON",
        )


def _object(element: Element) -> dict[str, Any]:
    """The elements inside by name."""
    groups: dict[str, list[Any]] = {}
    for child in element:
        value = _value(child)
        if value:
            groups.setdefault(child.tag, []).append(value)
    values: dict[str, Any] = {}
    for tag in sorted(groups, key=_rank):
        values.setdefault(_local(tag), groups[tag][0] if len(groups[tag]) == 1 else groups[tag])
    return values


def _value(element: Element) -> Any:
    if len(element):
        return _object(element)
    # Atom's links have attributes only.
    return (element.text or "").strip() or dict(element.attrib)


def _rank(tag: str) -> int:
    if tag.startswith(_GOOGLE):
        return 0
    return 1 if not tag.startswith("{") or tag.startswith(_ATOM) else 2


def _local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


class _BoundedStream:
    """A stream that ends with an error if a product is too long.

    Attributes:
        since_product: Bytes read since the last product; set it to 0 after each.
    """

    def __init__(self, stream: BinaryIO, place: str) -> None:
        self._stream, self._place = stream, place
        self.since_product = 0

    def read(self, size: int = -1) -> bytes:
        if self.since_product > MAX_LINE_BYTES:
            raise SourceError(
                f"more than {MAX_LINE_BYTES:,} bytes without a product",
                place=self._place,
                remedy="check that this is a product feed",
            )
        chunk = self._stream.read(size)
        self.since_product += len(chunk)
        return chunk
