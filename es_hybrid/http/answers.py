"""JSON bodies and the headers that go with them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import orjson

Headers = list[tuple[bytes, bytes]]
# Values of Elasticsearch's `Warning` headers, each once, in the order of their arrival.
Warnings = dict[bytes, None]

# The official clients reject servers that do not send this header.
PRODUCT = (b"x-elastic-product", b"Elasticsearch")
_JSON = re.compile(rb"application/(?:json|vnd\.elasticsearch\+json)(?:;[a-z-]+=[\w.-]+)*")
_NOT_PRINTABLE = re.compile(r"[^ -~]")
_HEADER_CHARS = 500


def encoded(content: Any, *, indented: bool = False) -> bytes:
    """JSON in UTF-8. Dataclass fields with a leading underscore are left out."""
    try:
        return orjson.dumps(content, option=orjson.OPT_INDENT_2 if indented else None)
    except (
        orjson.JSONEncodeError
    ):  # orjson reads integers of more than 64 bits but cannot write them
        indent = 2 if indented else None
        return json.dumps(content, ensure_ascii=False, indent=indent, default=_fields).encode()


def _fields(content: Any) -> dict[str, Any]:
    """A dataclass as orjson writes it."""
    names = [field.name for field in fields(content) if not field.name.startswith("_")]
    return {name: getattr(content, name) for name in names}


def json_headers(accept: bytes) -> Headers:
    """Headers of es-hybrid's own JSON answers, with the content type that `Accept` asks for.

    A client of version 8 or 9 asks for `application/vnd.elasticsearch+json; compatible-with=9`.
    Elasticsearch repeats that without spaces, in lower case; of a list it repeats nothing.
    """
    wanted = accept.replace(b" ", b"").lower()
    kind = wanted if _JSON.fullmatch(wanted) else b"application/json"
    return [(b"content-type", kind), PRODUCT]


def degraded_header(degraded: Sequence[str]) -> Headers:
    """`X-Es-Hybrid-Degraded`; empty if the answer is complete."""
    if not degraded:
        return []
    text = _NOT_PRINTABLE.sub("?", "; ".join(degraded))[:_HEADER_CHARS]
    return [(b"x-es-hybrid-degraded", text.encode("ascii"))]
