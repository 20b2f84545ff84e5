"""`es-hybrid serve`: where it listens, what it logs, how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer, HttpServer, Request
from tests.pauses import PATIENCE, wait_until
from tests.serve.running import Got, ask

CANARY = "canary0123456789"


class Command:
    """A running `es-hybrid serve`."""

    def __init__(self, process: subprocess.Popen[str], first_line: str) -> None:
        self.process = process
        self.first_line = first_line
        self.url = first_line.split()[3].rstrip(",")

    def end(self) -> str:
        """Stop it, and return its log."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr is not None
        log = self.process.stderr.read()
        self.process.wait(PATIENCE)
        return log

    @property
    def memory(self) -> int:
        """Peak memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


@contextmanager
def running(
    origin: str, folder: Path, *options: str, files: str = "", **settings: str
) -> Iterator[Command]:
    """A running command.

    Args:
        files: How many files it may open; by default as many as this process.
    """
    with EmbeddingServer() as embedding:
        environment = {
            **os.environ,
            "ES_HYBRID_EMBEDDING__BASE_URL": embedding.url,
            "ES_HYBRID_RERANK__ENABLED": "false",
            **settings,
        }
        main = "from es_hybrid.cli import main; main(prog_name='es-hybrid')"
        command = [sys.executable, "-c", main, *options, "serve", "--port", "0", "--url", origin]
        if files:
            command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        )
        try:
            assert process.stderr is not None
            yield Command(process, process.stderr.readline())
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def upstream() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


def test_it_prints_its_address_and_exits_with_status_0(
    upstream: HttpServer, tmp_path: Path
) -> None:
    with running(upstream.url, tmp_path) as command:
        assert command.first_line.startswith("es-hybrid listens on http://127.0.0.1:")
        assert command.first_line.endswith(f"in front of {upstream.url}\n")
        assert ask(command.url, "/_nodes").status == 200
        command.end()
        assert command.process.returncode == 0


def test_it_finishes_open_requests(upstream: HttpServer, tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(seen: Request) -> Answer:
        asked.set()
        go_on.wait(PATIENCE)
        return Answer(body=b"done")

    upstream.script = slow
    with running(upstream.url, tmp_path) as command:
        got: list[Got] = []
        caller = threading.Thread(target=lambda: got.append(ask(command.url, "/_nodes")))
        caller.start()
        assert asked.wait(PATIENCE)
        command.process.send_signal(signal.SIGTERM)
        _until_refused(command.url)
        assert command.process.poll() is None
        go_on.set()
        caller.join(PATIENCE)
        assert (got[0].status, got[0].body) == (200, b"done")
        assert command.process.wait(PATIENCE) == 0


def test_idle_and_half_sent_connections_disturb_no_one(
    upstream: HttpServer, tmp_path: Path
) -> None:
    """Twenty times as many as the process may open files, and Elasticsearch stays reachable."""
    with running(upstream.url, tmp_path, files="128") as command, ExitStack() as idle:
        address = (urlsplit(command.url).hostname, urlsplit(command.url).port)
        for number in range(2_000):
            if number % 50 == 0:
                assert ask(command.url, "/_nodes").status == 200
            connection = idle.enter_context(socket.create_connection(address, timeout=PATIENCE))
            if number % 2:
                connection.sendall(b"POST /a/_search HTTP/1.1\r\nhost: localhost\r\nx: ")
        assert ask(command.url, "/_nodes").status == 200
        assert "closed to make room" in command.end()


def _until_refused(url: str) -> None:
    """Wait until the server drains and refuses new connections."""
    address = (urlsplit(url).hostname, urlsplit(url).port)

    def refused() -> bool:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            return True
        return False

    wait_until(refused)


def test_its_logs_are_json_without_secrets_at_debug(upstream: HttpServer, tmp_path: Path) -> None:
    secrets = {
        "ES_HYBRID_ELASTICSEARCH__API_KEY": f"{CANARY}-elasticsearch",
        "ES_HYBRID_EMBEDDING__API_KEY": f"{CANARY}-embedding",
        "ES_HYBRID_SERVE__API_KEYS": json.dumps([f"{CANARY}-serve"]),
    }
    callers = {
        "Authorization": f"ApiKey {CANARY}-caller",
        "X-API-Key": f"{CANARY}-guess",
        "es-secondary-authorization": f"Basic {CANARY}-second",
        "Content-Type": "application/json",
    }
    rrf = {"rrf": {"retrievers": [{"standard": {"query": {"match": {"t": CANARY}}}}] * 2}}
    with running(upstream.url, tmp_path, "-vv", **secrets) as command:
        for target, body in (
            (f"/a/_search?q={CANARY}", {"query": {"match": {"title": CANARY}}}),
            ("/a/_search", {"retriever": rrf}),
            ("/a/_search", {"retriever": {"rrf": CANARY}}),
            ("/search", {"text": CANARY}),
            ("/v1/rerank", {"query": CANARY, "documents": [CANARY]}),
            ("/v1/rerank", {"query": {CANARY: CANARY}}),
            (f"/_security/api_key?secret={CANARY}", {"api_key": CANARY}),
        ):
            ask(command.url, target, method="POST", body=body, headers=callers)
        log = command.end()
    lines = [json.loads(line) for line in log.splitlines()]
    answered = [line for line in lines if line["message"] == "answered"]
    assert len(answered) == 7
    assert {"time", "level", "request_id", "method", "path", "door", "status", "ms"} <= set(
        answered[0]
    )
    assert CANARY not in log


def test_a_large_body_streams_through(tmp_path: Path) -> None:
    """128 MB each way; the peak memory of the server grows far less."""
    megabytes = 128
    block = os.urandom(1024 * 1024)

    def echo(seen: Request) -> Answer:
        assert len(seen.body) == megabytes * len(block)
        return Answer(chunks=[block] * megabytes)

    with HttpServer(echo) as upstream, running(upstream.url, tmp_path) as command:
        ask(command.url, "/_nodes", body=b"warm")
        before = command.memory
        got = ask(command.url, "/_bulk", method="POST", body=block * megabytes)
        assert got.body == block * megabytes
        assert upstream.seen[-1].body == block * megabytes
        assert command.memory - before < 24 * 1024 * 1024


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ES_HYBRID_SERVE__PORT": "1"}, "cannot listen on this address"),
        ({"ES_HYBRID_SERVE__HOST": "192.0.2.1"}, "cannot listen on this address"),
        ({"ES_HYBRID_ELASTICSEARCH__URL": "localhost:9200"}, "is not the address"),
        ({"ES_HYBRID_ELASTICSEARCH__URL": "ftp://localhost"}, "is not the address"),
        ({"ES_HYBRID_SERVE__API_KEYS": '["short"]'}, "serve.api_keys.0"),
        (
            {"ES_HYBRID_SERVE__HOST": "0.0.0.0", "ES_HYBRID_ELASTICSEARCH__API_KEY": CANARY},
            "anyone who reaches it can search with them",
        ),
    ],
)
def test_a_failed_start_exits_with_status_2(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if settings.get("ES_HYBRID_SERVE__PORT"):
            settings = {"ES_HYBRID_SERVE__PORT": str(taken.getsockname()[1])}
        main = "from es_hybrid.cli import main; main(prog_name='es-hybrid')"
        done = subprocess.run(
            [sys.executable, "-c", main, "serve"],
            env={
                **os.environ,
                "ES_HYBRID_EMBEDDING__BASE_URL": "http://127.0.0.1:1/v1",
                **settings,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert CANARY not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_its_extra_it_names_the_install_line(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['uvicorn'] = None; from es_hybrid.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "serve"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert 'pip install "es-hybrid[serve]"' in done.stderr
