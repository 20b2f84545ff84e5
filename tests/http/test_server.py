"""How a server's process ends, and what it does at the limit of its connections."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from tests.http.test_protocol import echo
from tests.pauses import PATIENCE, wait_until
from tests.running import listening
from tests.serve.running import ask

_PROGRAM = """
import asyncio, socket, sys, threading, time
from es_hybrid.http.server import run_until_signal
from tests.http.test_protocol import echo

async def app(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/given-up":
        # Nobody waits for the thread any more, and it works on.
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 1000)
        threading.Thread(target=time.sleep, args=(1000,)).start()
    elif scope["type"] == "http" and scope["path"] == "/hangs":
        print("hangs", flush=True)
        while True:
            pass
    await echo(scope, receive, send)

listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
run_until_signal(app, listening, drain_seconds=1, at_end=lambda: print("at end", flush=True))
"""


@pytest.fixture
def program() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def test_a_signal_ends_the_process_though_threads_work_on(program: subprocess.Popen[str]) -> None:
    url = f"http://127.0.0.1:{_line(program)}"
    assert ask(url, "/given-up").status == 200
    program.send_signal(signal.SIGTERM)
    out, errors = program.communicate(timeout=PATIENCE)
    assert (program.returncode, out, errors) == (0, "at end\n", "")


def test_a_signal_ends_the_process_though_the_event_loop_hangs(
    program: subprocess.Popen[str],
) -> None:
    with socket.create_connection(("127.0.0.1", int(_line(program)))) as connection:
        connection.sendall(b"GET /hangs HTTP/1.1\r\nhost: x\r\n\r\n")
        assert _line(program) == "hangs"
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert "in app" in errors  # the traceback says what it was


def test_idle_connections_make_room_for_new_callers() -> None:
    with listening(echo, limit=20) as url, ExitStack() as idle:
        address = _address(url)
        first = idle.enter_context(socket.create_connection(address, timeout=PATIENCE))
        for _ in range(100):
            idle.enter_context(socket.create_connection(address))
            assert ask(url, "/").status == 200
        assert first.recv(1) == b""


def test_a_new_caller_is_turned_away_while_all_others_are_answered() -> None:
    reached, go_on = threading.Semaphore(0), threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            reached.release()
            await asyncio.to_thread(go_on.wait, PATIENCE)
        await echo(scope, receive, send)

    with listening(app, limit=2) as url, ExitStack() as busy:
        address = _address(url)
        connections = [
            busy.enter_context(socket.create_connection(address, timeout=PATIENCE))
            for _ in range(2)
        ]
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert reached.acquire(timeout=PATIENCE)
        refused = ask(url, "/")
        assert (refused.status, refused.json()["status"]) == (503, 503)
        go_on.set()
        for connection in connections:
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_a_caller_who_leaves_is_felt_behind_pipelined_requests() -> None:
    begun, gone = threading.Event(), threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/slow":
            await receive()
            begun.set()
            assert (await receive())["type"] == "http.disconnect"
            gone.set()
        else:
            await echo(scope, receive, send)

    with listening(app) as url, socket.create_connection(_address(url)) as connection:
        request = b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n"
        connection.sendall(request % b"/slow" + request % b"/")
        assert begun.wait(PATIENCE)
        connection.close()
        assert gone.wait(PATIENCE)


def test_a_caller_that_does_not_read_makes_room() -> None:
    begun = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/endless":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            begun.set()
            while (await asyncio.wait_for(receive(), PATIENCE))["type"] != "http.disconnect":
                for _ in range(1000):
                    await send(
                        {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
                    )
        else:
            await echo(scope, receive, send)

    with listening(app, limit=1) as url, socket.create_connection(_address(url)) as deaf:
        deaf.sendall(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        assert begun.wait(PATIENCE)
        wait_until(lambda: ask(url, "/").status == 200)
