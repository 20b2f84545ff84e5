"""Keeps keys and passwords out of everything that leaves the process.

Settings report their secrets here when they are validated. Two places then scrub: every message of
an `EsHybridError` when it is made, which covers answers, headers, notes, dead letters, the page and
the command line, and every log record when it is formatted.

Text of another server is also scrubbed before it is cut: half a key would not be recognised.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote

__all__ = [
    "ScrubbingFormatter",
    "excerpt",
    "keyed_hash",
    "print_scrubbed",
    "remember",
    "scrub",
    "scrub_json",
    "secrets_of_url",
]

_MASK = "***"
# Characters. Shorter secrets are not scrubbed: they would occur in ordinary text.
_SHORTEST = 8
# Names of the parameters of a URL that carry a secret, as in `?api-key=…` or `?sig=…`.
_SECRET_PARAMETER = re.compile(r"key|token|secret|sig|auth|passw|pwd|code", re.IGNORECASE)
# User and password of a URL, with or without its scheme.
_USERINFO = re.compile(
    r"""(?<=://)[^/?#\s"'<>\\]*@|(?<![\w.%+-])[\w.%+-]{1,64}:[^/@:\s"'<>\\]{1,128}@(?=[\w\[])"""
)
# `Bearer …`, but not "Basic authentication": a single word is no credential.
_CREDENTIALS = re.compile(
    r"\b(Bearer|Basic|ApiKey)(\s{1,9}|%20|\+)"
    r"(?!(?-i:[A-Z]?[a-z]{1,19})[.:]?(?![\w.~+/=:%-]))[\w.~+/=:%-]{8,}",
    re.IGNORECASE,
)

_known: frozenset[str] = frozenset()


def remember(secret: str) -> None:
    """Scrub this secret from now on, also quoted, escaped and in base64.

    Ignores secrets of fewer than 8 characters.
    """
    global _known
    found = {secret, _secret_part(secret)}
    _known |= {form for one in found if len(one) >= _SHORTEST for form in _forms(one)}


def secrets_of_url(url: str) -> Iterator[str]:
    """User and password, the password alone, and the values of parameters such as `api-key`.

    Accepts URLs that are invalid, e.g. without a scheme: they occur in error messages as well.
    """
    rest = url.partition("://")[2] or url
    userinfo, at, _ = rest.rpartition("@")
    if at:
        yield userinfo
        yield unquote(userinfo.partition(":")[2])
    for name, value in parse_qsl(url.partition("?")[2]):
        if _SECRET_PARAMETER.search(name):
            yield value


def scrub(text: str) -> str:
    """The text with `***` in place of known secrets and of anything that looks like credentials."""
    if _known:
        text = _pattern(_known).sub(_MASK, text)
    text = _USERINFO.sub(f"{_MASK}@", text)
    return _CREDENTIALS.sub(rf"\1\2{_MASK}", text)


def scrub_json(value: Any) -> Any:
    """A copy of decoded JSON with every text scrubbed."""
    match value:
        case str():
            return scrub(value)
        case Mapping():
            return {scrub(str(name)): scrub_json(item) for name, item in value.items()}
        case list():
            return [scrub_json(item) for item in value]
        case _:
            return value


def excerpt(text: str, most: int = 300) -> str:
    """The beginning of another server's text, scrubbed, on one line.

    Args:
        most: Characters to keep.
    """
    return " ".join(scrub(text).split())[:most]


def keyed_hash(text: str, key: str) -> str:
    """The HMAC-SHA-256 of a text, as 64 hexadecimal digits."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


class ScrubbingFormatter(logging.Formatter):
    """Formats log records without secrets, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return scrub(super().format(record))


def print_scrubbed(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an uncaught exception as Python does, without secrets: for `sys.excepthook`."""
    sys.stderr.write(scrub("".join(traceback.format_exception(kind, error, trace))))


@lru_cache(maxsize=1)
def _pattern(known: frozenset[str]) -> re.Pattern[str]:
    """The longest first: a secret may begin with another one."""
    longest_first = sorted(known, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)


def _secret_part(secret: str) -> str:
    """The second half of an Elasticsearch API key, `base64(id:secret)`; empty for other secrets."""
    try:
        decoded = base64.b64decode(secret, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]


def _forms(secret: str) -> set[str]:
    """How a secret may be written in an answer, a URL, HTML, JSON, a traceback or a header."""
    data = secret.encode("utf-8", "surrogateescape")
    return {
        secret,
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
    }
