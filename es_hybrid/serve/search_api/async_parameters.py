"""The parameters of an asynchronous search that are not those of a search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from es_hybrid.errors import RequestRefused
from es_hybrid.serve.exchange import Exchange

ASYNC_PARAMETERS = frozenset(("wait_for_completion_timeout", "keep_alive", "keep_on_completion"))

_TIME = re.compile(r"(-?\d+)(nanos|micros|ms|s|m|h|d)", re.IGNORECASE)
_SECONDS: Mapping[str, float] = {
    "nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0,
}  # fmt: skip
# Elasticsearch's defaults and minimum, in seconds.
_WAIT, _KEEP, _LEAST = 1.0, 5 * 86400.0, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncParameters:
    """How long to wait for a search and to keep it.

    Attributes:
        wait: Seconds until an answer that is not complete.
        keep: Seconds from now; None: as before.
        keep_on_completion: Whether a search that completes while its caller waits is kept, too.
    """

    wait: float = _WAIT
    keep: float | None = None
    keep_on_completion: bool = False


def parse_async_parameters(exchange: Exchange, *, submits: bool) -> AsyncParameters:
    """The parameters of a request that starts a search, or asks for one.

    Raises:
        RequestRefused: a value is invalid.
    """
    query: bytes = exchange.scope["query_string"]
    given: dict[str, Any] = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    wait = _seconds("wait_for_completion_timeout", given)
    keep = _seconds("keep_alive", given)
    if keep is not None and keep < _LEAST:
        raise RequestRefused(
            f"Validation Failed: 1: [keep_alive] must be greater or equals than [1s], got:"
            f"{given['keep_alive']};",
            type="action_request_validation_exception",
        )
    kept = given.get("keep_on_completion", "false")
    if kept not in ("", "true", "false"):
        raise RequestRefused(
            f"Failed to parse value [{kept}] as only [true] or [false] are allowed."
        )
    if submits:
        return AsyncParameters(
            wait=_WAIT if wait is None else wait,
            keep=_KEEP if keep is None else keep,
            keep_on_completion=kept != "false",
        )
    return AsyncParameters(wait=wait or 0.0, keep=keep)


def _seconds(name: str, given: Mapping[str, str]) -> float | None:
    if name not in given:
        return None
    value = given[name]
    if value.strip() in ("0", "-1"):
        return 0.0
    match = _TIME.fullmatch(value.strip())
    if match is None:
        raise RequestRefused(
            f"failed to parse setting [{name}] with value [{value}] as a time value: unit is "
            "missing or unrecognized"
        )
    return max(0.0, int(match[1]) * _SECONDS[match[2].lower()])
