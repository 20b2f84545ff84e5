"""The endpoints `_query_rules`: passed through to a cluster that has them, else answered here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from es_hybrid.http.answers import json_headers
from es_hybrid.http.refusal import Refusal
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import PARSE, X_CONTENT, refused, token
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.json_text import decoded
from es_hybrid.serve.query_rules import store
from es_hybrid.serve.query_rules.ruleset import parse_query_rule, parse_ruleset
from es_hybrid.serve.search_api.parameters import parse_parameters
from es_hybrid.serve.search_api.presentation import shown
from es_hybrid.serve.search_api.texts import size_of, text_of
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.relay import relay

# Ruleset, `_test`, rule.
_PATH = re.compile(rb"/_query_rules(?:/([^/]+)(?:/(_test)|/_rule/([^/]+))?)?/?")
_PAGE = {"from": 0, "size": 100}
# In a set of 100 rules with 100 documents each, with room for criteria.
_MAX_VALUES = 100_000


class QueryRules:
    """Answers requests of the query rules API."""

    def __init__(self, services: Services, engine: Engine, callers: Callers) -> None:
        self._pool = services.pool
        self._bodies = services.bodies
        self._settings = services.settings.serve
        self._engine = engine
        self._callers = callers

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            EsHybridError: it cannot be answered.
        """
        caller = self._callers.caller(exchange.headers, exchange.warnings)
        if await self._engine.runs_query_rules(caller):
            exchange.door = "pass"
            await relay(exchange, self._pool)
            return
        async with self._bodies.read(exchange, self._settings.max_search_bytes) as body:
            parameters = parse_parameters(exchange)
            steps = _steps(exchange, parameters.body, self._content(exchange, body))
            with exchange.ends_with_caller():
                status, content = await self._engine.run(steps, caller)
        headers = json_headers(exchange.header(b"accept"))
        await exchange.answer(status, shown(content, parameters), headers)

    def _content(self, exchange: Exchange, body: bytes | None) -> Any:
        """The decoded body; None if there is none."""
        most = self._settings.max_search_bytes
        if body is None or size_of(exchange, body) > most:
            reason = f"the body is longer than {most} bytes"
            raise Refusal(413, "content_too_long_exception", reason)
        if not body:
            return None
        text = text_of(exchange, body)
        if not text:
            reason = "es-hybrid reads query rules in JSON only"
            raise Refusal(406, "media_type_header_exception", reason)
        try:
            return decoded(text, max_values=_MAX_VALUES, max_depth=self._settings.max_depth)
        except orjson.JSONDecodeError as error:
            raise refused(str(error), type=X_CONTENT) from None


def is_query_rules(path: bytes, method: str) -> bool:
    """Whether a request is one of the query rules API."""
    if (match := _PATH.fullmatch(path)) is None:
        return False
    ruleset, test, _ = match.groups()
    if test:
        return method == "POST"
    return method == "GET" or (ruleset is not None and method in ("PUT", "DELETE"))


def _steps(exchange: Exchange, page: Mapping[str, Any], body: Any) -> store.Steps:
    """What answers a request of the API.

    Args:
        page: Parameters of the query string.
        body: None if there is none.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    match = _PATH.fullmatch(exchange.path)
    assert match is not None
    ruleset, _, rule = (unquote((each or b"").decode("latin-1")) for each in match.groups())
    if unknown := [name for name in page if ruleset or name not in _PAGE]:
        path = exchange.path.decode("latin-1")
        raise refused(f"request [{path}] contains unrecognized parameter: [{unknown[0]}]")
    match exchange.method, bool(rule):
        case "GET", _ if not ruleset:
            return store.list_rulesets(**_bounds({**_PAGE, **page}))
        case "GET", one:
            return store.get_rule(ruleset, rule) if one else store.get_ruleset(ruleset)
        case "DELETE", one:
            return store.delete_rule(ruleset, rule) if one else store.delete_ruleset(ruleset)
        case "PUT", True:
            return store.put_rule(ruleset, parse_query_rule(rule, _object(body)))
        case "PUT", _:
            return store.put_ruleset(ruleset, parse_ruleset(ruleset, _object(body)))
        case _:
            return store.match_ruleset(ruleset, _facts(_object(body)))


def _bounds(page: Mapping[str, int]) -> dict[str, int]:
    for name, value in page.items():
        if value < 0:
            raise refused(f"Parameter [{name}] cannot be < 0")
    return {"from_": page["from"], "size": page["size"]}


def _facts(body: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = Fields("test_query_ruleset_request", body, ("match_criteria", "ruleset_id"))
    facts = fields.mapping("match_criteria")
    fields.required("match_criteria")
    return facts or {}


def _object(body: Any) -> Mapping[str, Any]:
    if body is None:
        raise refused("request body is required", type=PARSE)
    if not isinstance(body, Mapping):
        raise refused(f"Expected START_OBJECT but was: {token(body)}", type=X_CONTENT)
    return body
