"""What of a browser's requests reaches Gradio."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message

from es_hybrid.http.refusal import Refusal
from es_hybrid.page.gate import is_open, receive_event, scope_for_gradio
from tests.page.running import run_apart

EVENT: dict[str, Any] = {
    "data": ["query", "a\nb", True, None, 1, 0.5, ["red", "blue"]],
    "event_data": {"index": 1, "value": "search", "selected": True},
    "fn_index": 3,
    "trigger_id": 7,
    "session_hash": "abc123",
}
FILE = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}


def _received(*parts: bytes) -> bytes:
    """What Gradio receives for a body in these parts."""
    messages: Iterator[Message] = iter(
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    )

    async def receive() -> Message:
        return next(messages)

    async def read() -> bytes:
        message = await (await receive_event(receive))()
        assert not message["more_body"]
        body: bytes = message["body"]
        return body

    return run_apart(read())


def _refused(body: bytes) -> int:
    with pytest.raises(Refusal) as refused:
        _received(body)
    return refused.value.status


def test_an_event_of_the_page_passes() -> None:
    body = json.dumps(EVENT).encode()
    assert json.loads(_received(body[:9], body[9:])) == EVENT
    assert json.loads(_received(json.dumps({**EVENT, "event_data": None}).encode()))["data"]


@pytest.mark.parametrize(
    "data",
    [
        [FILE],
        [[FILE]],
        [["red", FILE]],
        ["text", {"a": FILE}],
        [{"path": "/etc/passwd"}],
        [{"url": "http://127.0.0.1/", "path": "http://127.0.0.1/", "meta": FILE["meta"]}],
        [{}],
        [[["deeper"]]],
        FILE,
        {"0": FILE},
        "text",
    ],
)
def test_no_object_is_let_through_as_data(data: Any) -> None:
    assert _refused(json.dumps({**EVENT, "data": data}).encode()) == 400


@pytest.mark.parametrize(
    "change",
    [
        {"event_data": {"value": FILE}},
        {"event_data": [FILE]},
        {"fn_index": FILE},
        {"fn_index": "3"},
        {"session_hash": FILE},
        {"session_hash": "../../x"},
        {"session_hash": "a" * 33},
        {"trigger_id": [1]},
        {"batched": True},
        {"simple_format": True},
        {"request": FILE},
    ],
)
def test_no_other_field_is_let_through(change: dict[str, Any]) -> None:
    assert _refused(json.dumps(EVENT | change).encode()) == 400


def test_gradio_gets_what_was_checked_of_a_doubled_name() -> None:
    text = json.dumps({**EVENT, "data": ["harmless"]})
    doubled = f'{{"data": {json.dumps([FILE])}, {text[1:]}'
    assert json.loads(_received(doubled.encode())) == {**EVENT, "data": ["harmless"]}
    doubled = f'{text[:-1]}, "data": {json.dumps([FILE])}}}'
    assert _refused(doubled.encode()) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b'"x"', b"{}", b"\xff", b'{"data":["\\ud83d"]}',
        b'{"data":' + b"[" * 100_000,
        b'{"data":[' + b"[]," * 500_000 + b"[]]}",
        json.dumps({**EVENT, "data": ["a"] * 1001}).encode(),
        json.dumps({**EVENT, "data": [["a"] * 1001]}).encode(),
    ],
    ids=range(12),
)  # fmt: skip
def test_other_bodies_are_refused(body: bytes) -> None:
    assert _refused(body) == 400


def test_a_body_is_bounded_without_reading_it_all() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 100_000

    parts, read = endless(), []

    async def receive() -> Message:
        read.append(next(parts))
        return {"type": "http.request", "body": read[-1], "more_body": True}

    with pytest.raises(Refusal) as refused:
        run_apart(receive_event(receive))
    assert refused.value.status == 413
    assert len(read) == 21


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("HEAD", ""), ("GET", "config"), ("GET", "assets/a.js"),
        ("GET", "gradio_api/queue/data"), ("GET", "gradio_api/heartbeat/abc123"),
        ("POST", "gradio_api/queue/join"), ("POST", "gradio_api/run/predict"),
    ],
)  # fmt: skip
def test_what_the_page_needs_is_open(method: str, path: str) -> None:
    assert is_open(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""), ("POST", "config"), ("PUT", "gradio_api/queue/join"),
        ("GET", "gradio_api/queue/join"), ("POST", "gradio_api/run/search"),
        ("POST", "gradio_api/queue/data"), ("POST", "gradio_api/call/run"),
        ("POST", "gradio_api/api/predict"), ("GET", "assets/../config"), ("GET", "static/"),
        ("GET", "gradio_api/deep_link"), ("GET", "gradio_api/heartbeat/a/b"),
        ("OPTIONS", "config"), ("DELETE", ""), ("GET", "configuration"),
    ],
)  # fmt: skip
def test_all_else_is_closed(method: str, path: str) -> None:
    assert not is_open(method, path)


def test_gradio_gets_only_the_headers_and_parameters_that_it_needs() -> None:
    scope = {
        "path": "/en/",
        "query_string": b"deep_link=planted",
        "headers": [
            (b"host", b"localhost"),
            (b"x-forwarded-host", b"evil.example"),
            (b"x-gradio-server", b"http://evil.example"),
            (b"x-forwarded-proto", b"https"),
            (b"x-forwarded-proto", b"javascript"),
            (b"authorization", b"Basic eDp5"),
            (b"content-type", b"multipart/form-data"),
            (b"range", b"bytes=0-1,0-1"),
        ],
    }
    page = scope_for_gradio(scope, "")
    assert page["headers"] == [(b"host", b"localhost"), (b"x-forwarded-proto", b"https")]
    assert page["query_string"] == b""
    event = scope_for_gradio(scope, "gradio_api/queue/join")
    assert event["headers"][-1] == (b"content-type", b"application/json")
    stream = scope_for_gradio({**scope, "query_string": b"session_hash=a"}, "gradio_api/queue/data")
    assert stream["query_string"] == b"session_hash=a"
