"""What reaches Gradio's server: the paths, headers and bodies that the page needs, and no others.

Gradio's server also accepts uploads, serves files and fetches URLs. An object that describes a file
makes it copy that file of this machine, wherever the object is in the data of an event. Query
parameters and headers can name a folder with another page, and another host for its scripts. The
page has only texts, ticks and numbers as inputs, so nothing of this is let through.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Message, Receive, Scope

from es_hybrid.http.refusal import Refusal

__all__ = ["is_cacheable", "is_open", "receive_event", "scope_for_gradio"]

_ASSETS = ("static/", "assets/")
_STREAM = "gradio_api/queue/data"
_PATHS = re.compile(
    r"(config|theme\.css|(static|assets)/.+|gradio_api/(queue/data|heartbeat/[a-z0-9]{1,32}))?"
)
_EVENTS = frozenset(["gradio_api/queue/join", "gradio_api/run/predict"])
_HEADERS = frozenset(
    [b"host", b"accept", b"accept-encoding", b"if-none-match", b"if-modified-since"]
)
_HTTPS = (b"x-forwarded-proto", b"https")
# 1,000 candidates of 2,000 bytes each.
_MAX_BYTES = 2 * 1024 * 1024
_MAX_VALUES = 1000

_Plain = str | bool | int | float | None
_Values = Annotated[list[_Plain], Field(max_length=_MAX_VALUES, fail_fast=True)]


class PageEvent(BaseModel):
    """A click or an input, as Gradio's script sends it. Files are objects, so `data` has none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data: Annotated[list[_Plain | _Values], Field(max_length=_MAX_VALUES, fail_fast=True)]
    event_data: dict[str, _Plain | _Values] | None = None
    fn_index: int
    trigger_id: int | None = None
    session_hash: Annotated[str, Field(pattern="^[a-z0-9]{1,32}$")]


def is_open(method: str, path: str) -> bool:
    """Whether the page needs this.

    Args:
        path: Path below that of the language, without a leading slash.
    """
    if method == "POST":
        return path in _EVENTS
    return method in ("GET", "HEAD") and ".." not in path and bool(_PATHS.fullmatch(path))


def is_cacheable(path: str) -> bool:
    """Whether the answer is the same for everyone; `path` as in `is_open`."""
    return path.startswith(_ASSETS)


def scope_for_gradio(scope: Scope, path: str) -> Scope:
    """The ASGI scope with the headers and parameters that Gradio needs; `path` as in `is_open`."""
    headers = [header for header in scope["headers"] if header[0] in _HEADERS or header == _HTTPS]
    if path in _EVENTS:
        headers.append((b"content-type", b"application/json"))
    query = scope["query_string"] if path == _STREAM else b""
    return {**scope, "headers": headers, "query_string": query}


async def receive_event(receive: Receive) -> Receive:
    """Read and check the body of an event.

    Returns:
        A `receive` that yields what was understood, so that Gradio cannot understand the body
        differently.

    Raises:
        Refusal: 400 or 413.
    """
    body = await _read(receive)
    try:
        event = await asyncio.to_thread(PageEvent.model_validate_json, body)
    except ValidationError:
        raise Refusal(
            400, "illegal_argument_exception", "the page does not send such an event"
        ) from None
    unread = [event.model_dump_json().encode()]

    async def replay() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return replay


async def _read(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > _MAX_BYTES:
            raise Refusal(
                413, "content_too_long_exception", f"the body is longer than {_MAX_BYTES} bytes"
            )
    return b"".join(parts)
