"""Cross-origin resource sharing: which web sites' pages may call a server and read its answers.

Only listed origins may. They send what credentials they have in headers of their own, so browsers
are never asked to add theirs (`Access-Control-Allow-Credentials`), and there is no `*`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from es_hybrid.http.answers import PRODUCT, Headers

__all__ = ["Cors"]

_METHODS = b"GET, HEAD, POST, PUT, DELETE, OPTIONS"
# Headers of answers that scripts may read, in addition to the few that they always may.
_EXPOSED = (
    b"Location, Retry-After, Warning, X-elastic-product, X-Es-Hybrid-Degraded, X-Opaque-Id, "
    b"X-Request-Id"
)
# Seconds for which a browser need not ask again; Chromium remembers no longer.
_MAX_AGE = b"7200"
_NAMES = re.compile(rb"[\w ,-]{1,1000}")
_OF_BROWSERS = (b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest")
_VARIES = (b"vary", b"Origin")


class Cors:
    """The origins of `serve.cors_origins`. Without any, requests and answers stay as they are.

    Args:
        origins: Each as a browser sends it: `https://shop.example`.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode("ascii") for origin in origins)

    def admitted(self, headers: Headers) -> bytes | None:
        """The origin of a request if its pages may call the server.

        Args:
            headers: Names in lower case.
        """
        if not self._origins:
            return None
        origin = dict(headers).get(b"origin")
        return origin if origin in self._origins else None

    def removed_from(self, headers: Headers) -> Headers:
        """The headers of an admitted request without those that tell where its page is from.

        Elasticsearch would decide about them once more, by its own `http.cors`.
        """
        return [header for header in headers if header[0] not in _OF_BROWSERS]

    def added(self, origin: bytes | None) -> Headers:
        """What every answer gets; `origin` as from `admitted`."""
        if not self._origins:
            return []
        if origin is None:
            return [_VARIES]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            _VARIES,
        ]

    def preflight(self, method: str, headers: Headers) -> Headers | None:
        """Headers of the answer to a browser that asks whether an admitted page may call.

        None if the request is no such question.
        """
        given = dict(headers)
        if method != "OPTIONS" or b"access-control-request-method" not in given:
            return None
        answer = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", _MAX_AGE),
            PRODUCT,
        ]
        names = given.get(b"access-control-request-headers", b"")
        if _NAMES.fullmatch(names):
            answer.append((b"access-control-allow-headers", names))
        return answer
