"""Secrets are recognised in every shape, and ordinary messages stay as they are."""

from __future__ import annotations

import base64
import html
import json
import logging
import pickle
import subprocess
import sys
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from es_hybrid import secrets
from es_hybrid.errors import EsHybridError, RequestRefused, SettingsError
from es_hybrid.secrets import ScrubbingFormatter, excerpt, remember, scrub, secrets_of_url
from es_hybrid.settings import EmbeddingSettings, load_settings

KEY = "Kanari/enkey+42&\"ü'<x"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", frozenset())


@pytest.mark.parametrize(
    "shape",
    [
        str, quote, quote_plus, lambda key: quote(key, safe=""), html.escape, json.dumps, repr,
        str.upper, lambda key: base64.b64encode(key.encode()).decode(),
        lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    ],
)  # fmt: skip
def test_a_known_secret_is_recognised(shape: object) -> None:
    remember(KEY)
    assert callable(shape)
    assert scrub(f"key={shape(KEY)}.") in ("key=***.", 'key="***".', "key='***'.", "key=***==.")


def test_the_second_half_of_an_elasticsearch_key_is_secret() -> None:
    remember(base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode())
    assert scrub("invalid secret ui2lp2axTNmsyakw9tvNnw") == "invalid secret ***"


def test_a_short_secret_stays_in_ordinary_text() -> None:
    remember("elastic")
    assert scrub("elasticsearch.url") == "elasticsearch.url"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Authorization: Bearer sk-abc123def", "Authorization: Bearer ***"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', '{"authorization": "Basic ***"}'),
        ("ApiKey VnVhQ2ZHY0JDZGJrUW0=, then", "ApiKey ***, then"),
        ("bearer ABCDEFGHIJKLM", "bearer ***"),
        ("https://elastic:pw@host:9200/x", "https://***@host:9200/x"),
        ("redis://:p@ss@host", "redis://***@host"),
        ("elasticsearch.url = elastic:pw@host:9200", "elasticsearch.url = ***@host:9200"),
    ],
)
def test_what_looks_like_credentials_is_scrubbed(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed
    assert scrub(scrubbed) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "this endpoint needs one of serve.api_keys, as X-API-Key or as a Bearer token",
        "Basic authentication is required; use Basic Authentication.",
        "missing authentication credentials for REST request [/_search?q=a:b]",
        "write it as http://host:9200",
        "mail shop@example.com at 12:30, see https://example.com/a?b=c@d",
        'Basic realm="security", ApiKey',
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert scrub(text) == text


def test_secrets_of_a_url() -> None:
    assert set(secrets_of_url("https://me:p%40ss@host/v1?api-key=abc&version=2")) == {
        "me:p%40ss", "p@ss", "abc",
    }  # fmt: skip
    assert "pa/ss" in set(secrets_of_url("elastic:pa/ss@host:9200"))
    assert not set(secrets_of_url("http://host:9200"))


def test_a_key_at_the_cut_leaves_no_half() -> None:
    remember("CANARY-0123456789")
    for length in range(270, 310):
        assert "CANARY" not in excerpt("x" * length + "CANARY-0123456789")


def test_scrubbing_takes_time_linear_in_the_text() -> None:
    remember("CANARY-0123456789")
    for text in ("://" * 300_000, "a:" * 300_000, "Bearer " * 200_000, "a" * 10**6, "b@" * 300_000):
        started = time.monotonic()
        scrub(text)
        assert time.monotonic() - started < 60, text[:10]


def test_errors_carry_no_secret() -> None:
    remember("CANARY-0123456789")
    error = EsHybridError(
        "no CANARY-0123456789", place="http://u:p@host", remedy="not CANARY-0123456789"
    )
    assert str(error) == "http://***@host: no ***; not ***"
    assert error.args == ("no ***",)
    answer = {"error": {"root_cause": [{"reason": "CANARY-0123456789"}]}, "status": 400}
    refused = RequestRefused("CANARY-0123456789", answer=answer)
    assert "CANARY" not in json.dumps(refused.body())


def test_log_records_and_tracebacks_carry_no_secret() -> None:
    remember("CANARY-0123456789")
    try:
        raise ValueError("CANARY-0123456789")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.INFO, "", 1, "sent %s", ("CANARY-0123456789",), sys.exc_info()
        )
    text = ScrubbingFormatter().format(record)
    assert "CANARY" not in text
    assert "ValueError: ***" in text


def test_an_uncaught_exception_prints_no_secret() -> None:
    code = (
        "from click.testing import CliRunner; from es_hybrid.cli import main; "
        "from es_hybrid.secrets import remember; CliRunner().invoke(main, ['node', 'status']); "
        "remember('CANARY-' + '0123456789'); raise ValueError('CANARY-' + '0123456789')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ValueError: ***" in done.stderr
    assert "CANARY-0123456789" not in done.stderr


def test_settings_report_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    flags: dict[str, dict[str, Any]] = {
        "elasticsearch": {
            "url": "http://elastic:PWCANARY@host", "username": "me", "password": "PASSCANARY",
        },
        "embedding": {"api_key": "EMBEDCANARY", "base_url": "http://host/v1?code=CODECANARY"},
        "serve": {"api_keys": ["SERVECANARY-0123456789"]},
    }  # fmt: skip
    settings = load_settings(flags=flags)
    basic = base64.b64encode(b"me:PASSCANARY").decode()
    canaries = [basic, "PWCANARY", "PASSCANARY", "EMBEDCANARY", "CODECANARY"]
    canaries.append("SERVECANARY-0123456789")
    text = " ".join(canaries)
    assert "CANARY" not in scrub(text)
    assert basic not in scrub(text)
    sent = pickle.dumps((settings.elasticsearch, settings.embedding, settings.serve))
    monkeypatch.setattr(secrets, "_known", frozenset())
    pickle.loads(sent)
    assert "CANARY" not in scrub(text), "an actor of Ray would print them"


@pytest.mark.parametrize(
    ("section", "name", "key"),
    [
        ("embedding", "base_url", "embedding.api_key"),
        ("judge", "base_url", "judge.api_key"),
        ("rerank", "url", "rerank.api_key"),
    ],
)
def test_urls_with_credentials_are_refused(section: str, name: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"set {key}") as refused:
        load_settings(flags={section: {name: "http://user:PWCANARY@host/v1"}})
    assert "PWCANARY" not in str(refused.value)
    assert EmbeddingSettings(base_url="http://host/@v1/").base_url == "http://host/@v1/"
