"""The query string of a search.

Elasticsearch also accepts most of a search's body as parameters. These move into the body. Others
select shards and are forwarded to Elasticsearch. The rest format the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from es_hybrid.errors import RequestRefused
from es_hybrid.serve.exchange import Exchange

_PRESENTATION = frozenset({
    "typed_keys", "rest_total_hits_as_int", "filter_path", "pretty", "human", "error_trace",
    "format", "source", "source_content_type", "max_concurrent_searches",
})  # fmt: skip
_FORWARDED = frozenset({
    "routing", "preference", "ignore_unavailable", "ignore_throttled", "allow_no_indices",
    "expand_wildcards", "request_cache", "search_type", "allow_partial_search_results",
    "ccs_minimize_roundtrips", "max_concurrent_shard_requests", "pre_filter_shard_size",
    "batched_reduce_size", "scroll",
})  # fmt: skip
_OTHER_FORMATS = ("cbor", "smile", "yaml")
# Characters; Elasticsearch by default accepts a request line of 4 KiB.
_MAX_FILTER_PATH = 4096
_QUERY_STRING = {
    "q": "query", "df": "default_field", "analyzer": "analyzer", "lenient": "lenient",
    "default_operator": "default_operator", "analyze_wildcard": "analyze_wildcard",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parsed query string of a search.

    Attributes:
        body: Parts of the body; they override those in the body.
        forwarded: Parameters of every request to Elasticsearch for this search.
        filter_path: Patterns of the parts of the answer to return; empty for all.
        typed_keys: Whether aggregations are named `type#name`.
        total_as_int: Whether `hits.total` is a number.
        pretty: Whether the answer is indented.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    forwarded: Mapping[str, str] = field(default_factory=dict)
    filter_path: tuple[str, ...] = ()
    typed_keys: bool = False
    total_as_int: bool = False
    pretty: bool = False


def parse_parameters(exchange: Exchange, besides: Container[str] = ()) -> Parameters:
    """Parse the query string of a search that is answered here.

    Args:
        besides: Names of further parameters of the endpoint.

    Raises:
        RequestRefused: an unknown parameter, an invalid value, or a format other than JSON.
    """
    query: bytes = exchange.scope["query_string"]
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    unknown = [
        name
        for name in given
        if not (
            name in _BODY or name in _FORWARDED or name in _PRESENTATION or name in _QUERY_STRING
        )
        and name not in besides
    ]
    if unknown:
        raise RequestRefused(
            f"request [_search] contains unrecognized parameter: [{', '.join(unknown)}]"
        )
    formats = (given.get("format", "json"), exchange.header(b"accept").decode("latin-1"))
    if any(other in wanted for wanted in formats for other in _OTHER_FORMATS):
        raise RequestRefused(
            "es-hybrid answers this search in JSON only",
            status=406,
            type="media_type_header_exception",
        )
    body = {name: _BODY[name](name, value) for name, value in given.items() if name in _BODY}
    return Parameters(
        body=_source_filter(body) | _query(given),
        forwarded={name: value for name, value in given.items() if name in _FORWARDED},
        filter_path=_filter_path(given.get("filter_path", "")),
        typed_keys=_flag("typed_keys", given.get("typed_keys", "false")),
        total_as_int=_flag("rest_total_hits_as_int", given.get("rest_total_hits_as_int", "false")),
        pretty=_flag("pretty", given.get("pretty", "false")),
    )


def _query(given: Mapping[str, str]) -> dict[str, Any]:
    """The query that `q` stands for; it replaces the body's."""
    if "q" not in given:
        return {}
    asked = {name: given[key] for key, name in _QUERY_STRING.items() if key in given}
    return {"query": {"query_string": asked}}


def _source_filter(body: dict[str, Any]) -> dict[str, Any]:
    """Merge `_source_includes` and `_source_excludes` into `_source`."""
    parts = {
        name: body.pop(f"_source_{name}")
        for name in ("includes", "excludes")
        if f"_source_{name}" in body
    }
    return body | ({"_source": parts} if parts else {})


def _filter_path(value: str) -> tuple[str, ...]:
    if len(value) > _MAX_FILTER_PATH:
        raise RequestRefused(f"[filter_path] is longer than {_MAX_FILTER_PATH} characters")
    return tuple(filter(None, value.split(",")))


def _flag(name: str, value: str) -> bool:
    if value not in ("", "true", "false"):
        raise RequestRefused(
            f"Failed to parse value [{value}] as only [true] or [false] are allowed."
        )
    return value != "false"


def _number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise RequestRefused(
            f"Failed to parse int parameter [{name}] with value [{value}]"
        ) from None


def _text(name: str, value: str) -> str:
    return value


def _names(name: str, value: str) -> list[str]:
    return value.split(",")


def _source(name: str, value: str) -> bool | list[str]:
    return value == "true" if value in ("true", "false") else value.split(",")


def _tracked(name: str, value: str) -> bool | int:
    return _flag(name, value) if value in ("", "true", "false") else _number(name, value)


def _sort(name: str, value: str) -> list[Any]:
    """`price:asc,brand`."""
    return [
        {key: {"order": order}} if order else key
        for key, _, order in (part.partition(":") for part in value.split(","))
    ]


_BODY: dict[str, Callable[[str, str], Any]] = {
    "size": _number,
    "from": _number,
    "terminate_after": _number,
    "explain": _flag,
    "version": _flag,
    "seq_no_primary_term": _flag,
    "track_scores": _flag,
    "track_total_hits": _tracked,
    "timeout": _text,
    "sort": _sort,
    "_source": _source,
    "_source_includes": _names,
    "_source_excludes": _names,
    "stored_fields": _names,
    "docvalue_fields": _names,
    "stats": _names,
}
