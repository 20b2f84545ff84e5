"""Headers that are passed on, and the head of a request."""

from __future__ import annotations

from collections.abc import Iterable

from es_hybrid.http.answers import Headers

# These describe one connection, not the message (RFC 9110, 7.6.1).
_HOP_BY_HOP = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
        b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    )
)  # fmt: skip
# Rewritten for the connection to Elasticsearch. The server has already answered `Expect`.
_REWRITTEN = frozenset((b"host", b"content-length", b"expect"))


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers without those of the connection and those that `Connection` names.

    Args:
        headers: Names in lower case.
    """
    headers = list(headers)
    named = [value for name, value in headers if name == b"connection"]
    tokens = {token.strip() for value in named for token in value.lower().split(b",")}
    dropped = _HOP_BY_HOP | tokens if tokens else _HOP_BY_HOP
    return [header for header in headers if header[0] not in dropped]


def request_head(
    method: bytes,
    target: bytes,
    host: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    length: int | None,
    chunked: bool = False,
) -> bytes:
    """Request line, headers and the blank line after them.

    Args:
        target: Path and query, already quoted.
        headers: End-to-end headers; host and framing are added.
        length: Bytes of the body; None omits `Content-Length`.
        chunked: Whether the body is sent in chunks, because its length is unknown.
    """
    lines = [b"%s %s HTTP/1.1\r\nhost: %s\r\n" % (method, target, host)]
    lines += [b"%s: %s\r\n" % header for header in headers if header[0] not in _REWRITTEN]
    if chunked:
        lines.append(b"transfer-encoding: chunked\r\n")
    elif length is not None:
        lines.append(b"content-length: %d\r\n" % length)
    lines.append(b"\r\n")
    return b"".join(lines)
