"""Address of Elasticsearch, and the server's own credentials for it."""

from __future__ import annotations

import base64
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from es_hybrid.client import resolve_url
from es_hybrid.errors import InvalidRequest, SettingsError
from es_hybrid.http.answers import Headers
from es_hybrid.settings import ElasticsearchSettings

_PORTS = {"http": 80, "https": 443}
_UPWARDS = re.compile(rb"(?:^|[/\\])\.\.(?:[/\\;]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One address of Elasticsearch.

    Attributes:
        prefix: Prefix of every path, without a trailing slash; usually empty.
        tls: None for plain HTTP.
        credentials: The server's credentials, as headers. Never sent with a caller's request.
    """

    host: str
    port: int
    prefix: bytes = b""
    tls: ssl.SSLContext | None = None
    credentials: Headers = field(default_factory=list, repr=False)

    @property
    def authority(self) -> bytes:
        """Value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}".encode("ascii")

    def target(self, target: bytes) -> bytes:
        """The target of a request, below the prefix.

        Args:
            target: Path and query, quoted.

        Raises:
            InvalidRequest: the path has a `..`, with which a proxy in front of Elasticsearch could
                leave the prefix.
        """
        if not self.prefix:
            return target
        path = target.partition(b"?")[0]
        if _UPWARDS.search(unquote_to_bytes(unquote_to_bytes(path))):  # some proxies unquote twice
            raise InvalidRequest("the path must not contain `..`", place="request")
        return self.prefix + target

    def __str__(self) -> str:
        """The address, without credentials."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.authority.decode()}{self.prefix.decode()}"

    @classmethod
    def of(cls, settings: ElasticsearchSettings) -> Origin:
        """The origin that the settings name.

        Raises:
            SettingsError: the url is invalid, or the certificate cannot be read.
        """
        url = resolve_url(settings)
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (KeyError, ValueError):
            raise _not_a_url() from None
        if not parts.hostname:
            raise _not_a_url()
        return cls(
            host=parts.hostname,
            port=port,
            prefix=parts.path.rstrip("/").encode("ascii"),
            tls=_tls(settings) if parts.scheme == "https" else None,
            credentials=_credentials(settings, parts.username, parts.password),
        )


def _not_a_url() -> SettingsError:
    # The message omits the value, which may contain a password.
    return SettingsError(
        "is not the address of an HTTP server",
        place="elasticsearch.url",
        remedy="write it as http://host:9200",
    )


def _tls(settings: ElasticsearchSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_certs)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"cannot be read ({error})",
            place=f"elasticsearch.ca_certs = {settings.ca_certs}",
            remedy="set it to a PEM file with the certificate of the authority",
        ) from None


def _credentials(
    settings: ElasticsearchSettings, username: str | None, password: str | None
) -> Headers:
    if settings.api_key:
        value = f"ApiKey {settings.api_key.get_secret_value()}"
        return [(b"authorization", value.encode("latin-1"))]
    if settings.username:
        username = settings.username
        password = settings.password.get_secret_value() if settings.password else ""
    elif username is not None:  # as in http://user:password@host
        username, password = unquote(username), unquote(password or "")
    if username is None:
        return []
    token = base64.b64encode(f"{username}:{password}".encode())
    return [(b"authorization", b"Basic " + token)]
