"""The callers on whose behalf requests go to Elasticsearch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import TTLCache

from es_hybrid.http.answers import Headers
from es_hybrid.retrieval.vector_fields import KnownFields
from es_hybrid.serve.upstream.call import TRACE_HEADERS, on_behalf

# Callers and indices to remember, and for how many seconds: then a changed mapping is noticed.
_CALLERS, _INDICES, _SECONDS = 1000, 100, 60

# Headers that distinguish callers: two with the same values may read the same.
_CREDENTIALS = frozenset(
    (b"authorization", b"es-secondary-authorization", b"es-security-runas-user", b"cookie")
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request.

    Attributes:
        headers: Sent with every request to Elasticsearch.
        known: What this caller was allowed to read from mappings.
        trace: The caller's trace headers.
    """

    headers: Headers
    known: KnownFields
    trace: Mapping[str, str]


class Callers:
    """What is remembered about callers. None profits from what another was allowed to read."""

    def __init__(self) -> None:
        self._known: TTLCache[bytes, KnownFields] = TTLCache(_CALLERS, _SECONDS)

    def caller(self, headers: Headers) -> Caller:
        """The caller who sent these headers."""
        credentials = b"\0".join(
            b"%s:%s" % header for header in headers if header[0] in _CREDENTIALS
        )
        key = hashlib.sha256(credentials).digest()
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = TTLCache(_INDICES, _SECONDS)
        trace = {
            name.decode("ascii"): value.decode("latin-1")
            for name, value in headers
            if name in TRACE_HEADERS
        }
        return Caller(on_behalf(headers), known, trace)
