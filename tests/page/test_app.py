"""Access to the page, its initial language, and the closed paths of Gradio's server."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from es_hybrid.page.library import Library
from es_hybrid.settings import load_settings
from tests.page.running import showing
from tests.serve.running import ask

KEY = "0123456789abcdef"
NOWHERE = {"elasticsearch": {"url": "http://127.0.0.1:9"}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with showing(Library(load_settings(flags=NOWHERE))) as shown:
        yield shown


@pytest.mark.parametrize(
    ("accept", "home"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "/zh/"), ("de-DE,de;q=0.9", "/en/"), ("", "/en/")],
)
def test_it_opens_in_the_browsers_language(url: str, accept: str, home: str) -> None:
    got = ask(url, "/", headers={"Accept-Language": accept})
    assert (got.status, got.headers["location"]) == (307, home)


def test_the_language_of_the_settings_overrides_the_browsers() -> None:
    settings = load_settings(flags={**NOWHERE, "page": {"language": "zh"}})
    with showing(Library(settings)) as url:
        assert ask(url, "/", headers={"Accept-Language": "en"}).headers["location"] == "/zh/"


def test_the_policy_forbids_other_hosts(url: str) -> None:
    got = ask(url, "/en/")
    assert got.status == 200
    policy = got.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/en/gradio_api/upload", "/en/gradio_api/file=/etc/passwd", "/en/file=/etc/passwd",
        "/en/gradio_api/proxy=https://example.com", "/en/gradio_api/stream/x/y/z",
        "/en/gradio_api/info", "/en/gradio_api/call/run", "/en/monitoring", "/en/login",
        "/en/static/../../config", "/fr/", "/docs", "/openapi.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_the_page_does_not_need_are_closed(url: str, path: str, method: str) -> None:
    got = ask(url, path, method=method, body=b"{}" if method == "POST" else None)
    assert got.status in (404, 405)
    assert b"root:" not in got.body


def test_another_host_name_or_origin_is_refused(url: str) -> None:
    foreign = ask(url, "/en/", headers={"Host": "evil.example"})
    assert (foreign.status, b"host name" in foreign.body) == (403, True)
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    posted = ask(url, "/en/gradio_api/queue/join", method="POST", body=b"{}", headers=headers)
    assert (posted.status, b"another web site" in posted.body) == (403, True)


def test_without_keys_it_is_closed_to_a_proxy(url: str) -> None:
    got = ask(url, "/en/", headers={"X-Forwarded-For": "192.0.2.1"})
    assert (got.status, b"serve.api_keys" in got.body) == (403, True)


def test_only_its_scripts_are_stored(url: str) -> None:
    page = ask(url, "/en/")
    assert page.headers["cache-control"] == "no-store"
    assert ask(url, "/en/config").headers["cache-control"] == "no-store"
    script = re.search(rb"assets/[\w./-]+\.js", page.body)
    assert script
    got = ask(url, f"/en/{script[0].decode()}")
    assert (got.status, got.headers["cache-control"] == "no-store") == (200, False)


def test_no_header_names_another_host_for_its_scripts() -> None:
    settings = load_settings(flags={**NOWHERE, "serve": {"api_keys": [SecretStr(KEY)]}})
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Gradio-Server": "http://evil.example",
        "Authorization": _basic(KEY),
    }
    with showing(Library(settings)) as url:
        for path in ("/en/", "/en/config"):
            got = ask(url, path, headers=headers)
            assert (got.status, b"evil.example" in got.body) == (200, False)


def test_with_keys_it_asks_for_one_as_a_password() -> None:
    settings = load_settings(flags={**NOWHERE, "serve": {"api_keys": [SecretStr(KEY)]}})
    with showing(Library(settings)) as url:
        asked = ask(url, "/en/")
        assert (asked.status, asked.headers["www-authenticate"]) == (
            401,
            'Basic realm="es-hybrid", charset="UTF-8"',
        )
        for password, status in ((KEY, 200), ("wrong", 401)):
            assert ask(url, "/en/", headers={"Authorization": _basic(password)}).status == status
        assert ask(url, "/en/", headers={"Authorization": "Basic !"}).status == 401


def _basic(password: str) -> str:
    return f"Basic {base64.b64encode(f'ann:{password}'.encode()).decode()}"
