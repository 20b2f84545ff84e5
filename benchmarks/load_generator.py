"""A minimal HTTP load generator, run as a separate process.

    python -m benchmarks.load_generator URL CONNECTIONS SECONDS RATE < requests.jsonl

Each line is `[target, body]`, sent as a POST of JSON. Prints the milliseconds of each response as a
JSON list; fails if a status is not 200.

With RATE 0 every connection sends its next request as soon as the previous response is complete,
which measures throughput. Otherwise RATE requests per second fall due at equal intervals; a free
connection sends the next one, and its time counts from the moment it was due, so queueing delay is
included (Tene, "How NOT to Measure Latency").
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httptools
import uvloop


class Connection(asyncio.Protocol):
    """One connection, which sends a request after another."""

    def __init__(
        self, requests: Iterator[bytes], due: Iterator[float], until: float, times: list[float]
    ) -> None:
        self._requests = requests
        self._due = due
        self._until = until
        self._times = times
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail unless all requests are done."""
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed the connection"))

    def on_message_complete(self) -> None:
        """Record the time and send the next request."""
        now = time.perf_counter()
        self._times.append((now - self._sent) * 1000)
        if self._parser.get_status_code() != 200:
            self.done.set_exception(ValueError(f"status {self._parser.get_status_code()}"))
        elif now < self._until:
            self._next()
        else:
            self.done.set_result(None)

    def _next(self) -> None:
        """Schedule the next request for when it is due."""
        self._sent = next(self._due)
        wait = self._sent - time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(next(self._requests))  # type: ignore[attr-defined]


def moments(start: float, rate: float) -> Iterator[float]:
    """Times at which requests are due."""
    while not rate:
        yield time.perf_counter()
    for number in itertools.count():
        yield start + number / rate


async def load(
    url: str, connections: int, seconds: float, rate: float, requests: list[bytes]
) -> list[float]:
    """Milliseconds of every response."""
    parts = urlsplit(url)
    times: list[float] = []
    start = time.perf_counter()
    due = moments(start, rate)
    until = start + seconds
    endless = itertools.cycle(requests)
    made = [
        await asyncio.get_running_loop().create_connection(
            lambda: Connection(endless, due, until, times), parts.hostname or "", parts.port or 80
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    return times


def generate(
    servers: Sequence[str],
    requests: Sequence[tuple[str, str]],
    *,
    connections: int,
    seconds: float,
    rate: float = 0.0,
) -> list[float]:
    """Milliseconds of every response; each server has a generator of its own.

    Args:
        servers: URLs, which share the connections.
        requests: Target and body of each.
        rate: Requests per second to each server; 0: as many as possible.
    """
    lines = "\n".join(map(json.dumps, requests))
    share = str(connections // len(servers))
    options = [share, str(seconds), str(rate)]
    command = [sys.executable, "-m", "benchmarks.load_generator"]
    return run_all([[*command, server, *options] for server in servers], lines)


def run_all(commands: Sequence[Sequence[str]], lines: str) -> list[float]:
    """Run generators at the same time, each with the same input; all that they print."""
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(lines)
        process.stdin.close()
        process.stdin = None
    times: list[float] = []
    for process in running:
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"the load generator failed with status {process.returncode}")
        times += json.loads(output)
    return times


def main() -> None:
    """Read the requests, send them, print the times."""
    url, connections, seconds, rate = sys.argv[1:]
    host = urlsplit(url).netloc
    requests = [
        f"POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body.encode())}\r\n\r\n{body}".encode()
        for target, body in map(json.loads, sys.stdin)
    ]
    loaded = load(url, int(connections), float(seconds), float(rate), requests)
    print(json.dumps(uvloop.run(loaded)))


if __name__ == "__main__":
    main()
