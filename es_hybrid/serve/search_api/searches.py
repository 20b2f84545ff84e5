"""The endpoints `_search` and `_msearch`: passed through, unless only es-hybrid can answer them."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.retrieval.answer import understood
from es_hybrid.serve.callers import Caller, Callers
from es_hybrid.serve.engine import Answered, Engine
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.refusal import Refusal, encoded, json_headers, refusal_of
from es_hybrid.serve.search_api.depth import check_depth
from es_hybrid.serve.search_api.msearch import Search, parse_msearch
from es_hybrid.serve.search_api.parameters import Parameters, parse_parameters
from es_hybrid.serve.search_api.presentation import shown
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import elasticsearch_msearch
from es_hybrid.serve.upstream.relay import relay_whole

# A body with none of these has nothing for us, and is not even parsed. Keys can hold escapes, too.
_SIGNS = (b"retriever", b"es_hybrid", b"\\u")
_GZIP = zlib.MAX_WBITS | 16
_OTHER_FORMATS = (b"cbor", b"smile", b"yaml")


class Searches:
    """Answers searches of Elasticsearch's API."""

    def __init__(self, services: Services, engine: Engine, callers: Callers) -> None:
        self._services = services
        self._engine = engine
        self._callers = callers
        self._settings = services.settings.serve

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            EsHybridError: it cannot be answered.
        """
        body = await exchange.body(self._settings.max_body_bytes)
        text = self._text(exchange, body)
        if any(sign in text for sign in _SIGNS):
            *_, index, endpoint = b"//%s" % exchange.path.strip(b"/"), b""
            index, endpoint = _parts(exchange.path)
            answer = self._search if endpoint == "_search" else self._msearch
            if await answer(exchange, index, text):
                return
        exchange.door = "pass"
        framed = exchange.header(b"content-length") or exchange.header(b"transfer-encoding")
        # A search changes nothing: it may be sent twice.
        await relay_whole(exchange, self._services.pool, body if framed else None, repeatable=True)
