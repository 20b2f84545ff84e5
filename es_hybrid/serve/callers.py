"""The callers on whose behalf requests go to Elasticsearch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cachetools import TTLCache

from es_hybrid.http.answers import Headers, Warnings
from es_hybrid.retrieval.context import KnownClasses, SynonymSets, Vocabularies
from es_hybrid.retrieval.known_rules import KnownRules
from es_hybrid.retrieval.remembered import Remembered
from es_hybrid.retrieval.vector_fields import KnownFields
from es_hybrid.serve.upstream.call import TRACE_HEADERS, on_behalf

# Callers and indices to remember, and for how many seconds: then a changed mapping is noticed.
_CALLERS, _INDICES, _SECONDS = 1000, 100, 60

# Headers that never decide who a caller is. Any other may: credentials, `es-security-runas-user`,
# the shared secret of a JWT realm, or what a proxy found in a client certificate. A header missing
# here costs a request for the mapping; one too many would share what one caller may read.
_NOT_IDENTIFYING = frozenset((
    b"accept-language", b"b3", b"baggage", b"cache-control", b"content-length", b"date",
    b"elastic-apm-traceparent", b"expect", b"host", b"pragma", b"priority", b"sentry-trace",
    b"user-agent", b"x-amzn-trace-id", b"x-b3-parentspanid", b"x-b3-sampled", b"x-b3-spanid",
    b"x-b3-traceid", b"x-cloud-trace-context", b"x-correlation-id", b"x-elastic-client-meta",
    b"x-es-hybrid", b"x-opaque-id", b"x-request-id",
))  # fmt: skip


class Known(NamedTuple):
    """What a caller was allowed to read, under the names of `Context`."""

    known: KnownFields
    vocabularies: Vocabularies
    synonym_sets: SynonymSets
    rules: KnownRules
    value_classes: KnownClasses


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request.

    Attributes:
        headers: Sent with every request to Elasticsearch.
        trace: The caller's trace headers.
        key: Equal for requests that Elasticsearch cannot tell to be from different callers.
        warnings: Gets those of Elasticsearch's answers.
    """

    headers: Headers
    known: Known
    trace: Mapping[str, str]
    key: bytes
    warnings: Warnings


class Callers:
    """What is remembered about callers. None profits from what another was allowed to read."""

    def __init__(self) -> None:
        self._known: TTLCache[bytes, Known] = TTLCache(_CALLERS, _SECONDS)
        # Equal for all who may read the revision; compiled once.
        self._rule_sets = KnownRules().sets

    def caller(self, headers: Headers, warnings: Warnings | None = None) -> Caller:
        """The caller who sent these headers.

        Args:
            warnings: See `Caller`.
        """
        sent = on_behalf(headers)
        key = _key(sent)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Known(
                known=Remembered(_INDICES, _SECONDS),
                vocabularies=Remembered(_INDICES, _SECONDS),
                synonym_sets=Remembered(1, _SECONDS),
                rules=KnownRules(self._rule_sets),
                value_classes=Remembered(_INDICES, _SECONDS),
            )
        trace = {
            name.decode("ascii"): value.decode("latin-1")
            for name, value in headers
            if name in TRACE_HEADERS
        }
        return Caller(sent, known, trace, key, {} if warnings is None else warnings)


def _key(headers: Headers) -> bytes:
    """Equal for callers that Elasticsearch, or a proxy before it, cannot tell apart."""
    identifying = [header for header in headers if header[0] not in _NOT_IDENTIFYING]
    # `repr` quotes, so no value can look like two headers.
    return hashlib.sha256(repr(identifying).encode()).digest()
