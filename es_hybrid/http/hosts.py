"""Which requests of a browser a server answers: its own host names, and the pages that may call it.

Any web site can make a visitor's browser send requests to this machine. A page of the site calls a
port of 127.0.0.1 directly, or the site lets its own name resolve to 127.0.0.1 (DNS rebinding), so
that the browser takes the server for a part of the site. The first shows in `Origin` and
`Sec-Fetch-Site`, which browsers add and pages cannot change; the second shows in `Host`.

Elasticsearch clients send neither `Origin` nor `Sec-Fetch-Site`.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from es_hybrid.http.answers import Headers
from es_hybrid.http.listening import is_loopback
from es_hybrid.http.refusal import Refusal
from es_hybrid.settings import ServeSettings

_FOREIGN_SITES = (b"cross-site", b"same-site")
# A proxy adds one of these; a program on this machine has no reason to.
_FORWARDED = frozenset(
    [b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"]
)
# Different values of `Host` whose verdicts are remembered.
_REMEMBERED = 256


class HostRule:
    """Refuses requests that a foreign web site makes through a browser.

    A server on a loopback address without API keys answers only to names of this machine and to
    those of `serve.hosts`. Any other server answers to every name unless `serve.hosts` is set.
    Pages of a foreign origin may link to a server, but call it only if `serve.hosts` has their
    host name.

    Args:
        address: Address that the server listens on.
    """

    def __init__(self, address: str, settings: ServeSettings) -> None:
        self._hosts = frozenset(settings.hosts)
        self._on_loopback = is_loopback(address)
        self._is_exclusive = bool(settings.hosts) or (self._on_loopback and not settings.api_keys)
        self._is_own = lru_cache(_REMEMBERED)(self._has_own_name)

    def check(self, method: str, headers: Headers) -> None:
        """Admit a request, or refuse it.

        Args:
            method: Upper case.
            headers: Names in lower case.

        Raises:
            Refusal: 403.
        """
        given = dict(headers)
        if self._is_exclusive and not self._is_own(given.get(b"host", b"")):
            raise Refusal(
                403,
                "security_exception",
                "this server does not answer to this host name; to change that, add the name to "
                "serve.hosts",
            )
        if self._is_foreign(method, given):
            raise Refusal(
                403,
                "security_exception",
                "the request comes from another web site; to allow it, add the site's origin to "
                "serve.cors_origins",
            )

    def is_local(self, headers: Headers) -> bool:
        """Whether only this machine can have sent the request, as far as can be seen.

        False also behind a reverse proxy on this machine, if it adds one of the usual headers.
        """
        return self._on_loopback and _FORWARDED.isdisjoint(name for name, _ in headers)

    def _has_own_name(self, host: bytes) -> bool:
        """Whether a value of `Host` is acceptable. Without one, as in HTTP/1.0: no browser asks."""
        if not host:
            return True
        name = _host_name(b"//" + host)
        return name in self._hosts or is_loopback(name)

    def _is_foreign(self, method: str, given: dict[bytes, bytes]) -> bool:
        origin, site = given.get(b"origin"), given.get(b"sec-fetch-site")
        if (origin is None and site is None) or method == "OPTIONS":
            return False  # OPTIONS asks for permission and has no effect
        if origin is not None and _host_name(origin) in self._hosts:
            return False
        if given.get(b"sec-fetch-dest") == b"document" and method in ("GET", "HEAD"):
            return False  # a link: the site does not see the answer
        if site in _FOREIGN_SITES:
            return True
        return origin is not None and origin.partition(b"://")[2] != given.get(b"host")


def _host_name(url: bytes) -> str:
    """Host name of a URL, in lower case; empty if it has none."""
    try:
        return (urlsplit(url.decode("ascii")).hostname or "").removesuffix(".")
    except ValueError:
        return ""
