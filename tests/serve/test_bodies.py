"""Reading bodies within the memory set aside for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message

from es_hybrid.http.refusal import Refusal
from es_hybrid.serve.bodies import Bodies
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.workers import LARGE_BODY, Workers
from tests.pauses import PATIENCE

LARGE = b"x" * (LARGE_BODY + 1)


class Sending:
    """A request that arrives in parts; more follow once `rest` is set."""

    def __init__(self, *parts: bytes, length: int | None = None) -> None:
        self.parts = list(parts)
        self.rest = asyncio.Event()
        headers = [] if length is None else [(b"content-length", b"%d" % length)]
        scope = {"method": "POST", "raw_path": b"/", "headers": headers, "query_string": b""}
        self.exchange = Exchange(scope, self._receive, self._send, Workers())

    async def _receive(self) -> Message:
        if not self.parts:
            await self.rest.wait()
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": self.parts.pop(0), "more_body": True}

    async def _send(self, message: Message) -> None:
        raise AssertionError(message)


async def received(exchange: Exchange) -> bytes:
    whole, more = b"", True
    while more:
        part, more = await exchange.receive()
        whole += part
    return whole


@pytest.mark.parametrize("limit", [10, 4 * LARGE_BODY])
@pytest.mark.parametrize("parts", [[b"a" * 4 * LARGE_BODY, b"b"], [b"a"] * 11, [LARGE] * 5])
def test_a_body_over_the_limit_is_still_to_be_received(parts: Sequence[bytes], limit: int) -> None:
    async def read() -> None:
        sending = Sending(*parts)
        sending.rest.set()
        whole = b"".join(parts)
        async with Bodies(room=limit, patience=PATIENCE).read(sending.exchange, limit) as body:
            assert body == (whole if len(whole) <= limit else None)
            if body is None:
                assert await received(sending.exchange) == whole

    asyncio.run(read())


def test_large_bodies_wait_for_room_and_small_ones_do_not() -> None:
    async def read() -> None:
        size = 2 * len(LARGE)
        bodies = Bodies(room=size, patience=0.05)
        first, second = Sending(LARGE, length=size), Sending(LARGE, length=size)
        small = Sending(b"small")
        first.rest.set()
        second.rest.set()
        small.rest.set()
        async with bodies.read(first.exchange, 2 * size) as body:
            assert body == LARGE
            with pytest.raises(Refusal, match="no room for a body") as refused:
                async with bodies.read(second.exchange, 2 * size):
                    pass
            assert refused.value.status == 429
            async with bodies.read(small.exchange, 2 * size) as body:
                assert body == b"small"
        async with bodies.read(second.exchange, 2 * size) as body:
            assert body == LARGE

    asyncio.run(read())


def test_a_caller_who_stops_sending_gives_the_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.serve.bodies._SECONDS", 0.05)

    async def read() -> None:
        bodies = Bodies(room=len(LARGE), patience=PATIENCE)
        for _ in range(2):
            with pytest.raises(Refusal, match="did not arrive within") as refused:
                async with bodies.read(Sending(LARGE).exchange, len(LARGE)):
                    pass
            assert refused.value.status == 408

    asyncio.run(read())
