"""The searches in a request, as far as its text shows that es-hybrid may be needed."""

from __future__ import annotations

from urllib.parse import unquote

from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.rewriting.rewriting import Rewriting
from es_hybrid.serve.search_api.msearch import MsearchItem, parse_msearch, parse_search
from es_hybrid.serve.search_api.texts import text_of

# A body without any of these passes through unparsed. `\\u` because keys may contain escapes.
SIGNS = (b"retriever", b"es_hybrid", b"query_vector_builder", b'"rank"', b'"rule', b"\\u")

_TEMPLATE = b"/template"
# What rules may make hybrid.
_BY_RULE = (b"_search", b"_msearch")


def searches_of(exchange: Exchange, body: bytes, rewriting: Rewriting) -> list[MsearchItem]:
    """The searches of a request; empty if none of them needs es-hybrid.

    Of templates, all: what they search for is known when they are rendered.
    """
    text = text_of(exchange, body)
    # Split before unquoting: `<logs-{now%2Fd}>` is one name.
    *names, endpoint = exchange.path.removesuffix(_TEMPLATE).strip(b"/").split(b"/")
    index = unquote(b"".join(names).decode("latin-1"))
    many = endpoint == b"_msearch"
    parse = parse_msearch if many else parse_search
    if exchange.path.endswith(_TEMPLATE):
        return [search.as_template() for search in parse(text, index)]
    by_rule = endpoint in _BY_RULE
    rules = rewriting.candidates(None if many else index, text) if by_rule else ()
    if not rules and not may_be_ours(text):
        return []
    searches = parse(text, index)
    if rules:
        searches = rewriting.rewritten(searches, rules, exchange.headers)
    return searches if any(search.ours for search in searches) else []


def may_be_ours(text: bytes) -> bool:
    """Whether a text has a sign of a search that needs es-hybrid."""
    return any(map(text.__contains__, SIGNS))


def endpoint_of(path: bytes) -> bytes:
    """`_search`, `_msearch` or `_async_search`."""
    return path.removesuffix(_TEMPLATE).rpartition(b"/")[2]
