"""Host names, and requests of foreign web sites."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from es_hybrid.http.answers import Headers
from es_hybrid.http.hosts import HostRule
from es_hybrid.http.refusal import Refusal
from es_hybrid.settings import ServeSettings

KEY = SecretStr("a-key-of-sixteen-or-more")
ALONE = HostRule("127.0.0.1", ServeSettings())
NAMED = HostRule("127.0.0.1", ServeSettings(hosts=("Shop.Example", "[2001:db8::1]")))
WITH_KEYS = HostRule("127.0.0.1", ServeSettings(api_keys=(KEY,)))
IN_NETWORK = HostRule("0.0.0.0", ServeSettings())
IN_NETWORK_NAMED = HostRule("0.0.0.0", ServeSettings(hosts=("shop.example",)))

THIS_MACHINE = [
    "localhost", "LOCALHOST:9201", "localhost.", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:9201",
]  # fmt: skip
OTHERS = [
    "evil.example", "evil.example:9201", "localhost.evil.example", "127.0.0.1.evil.example",
    "evil.example.", "192.0.2.1", "0.0.0.0:9201", "[2001:db8::2]", "evil", "localhost@evil.example",
    "[::1", "a b", "\xe4.example", ":9201",
]  # fmt: skip


def _headers(**given: str) -> Headers:
    return [
        (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given.items()
    ]


def _admits(rule: HostRule, method: str = "GET", **headers: str) -> bool:
    try:
        rule.check(method, _headers(**headers))
    except Refusal as refusal:
        return refusal.status != 403
    return True


@pytest.mark.parametrize("host", THIS_MACHINE)
@pytest.mark.parametrize("rule", [ALONE, NAMED, WITH_KEYS, IN_NETWORK, IN_NETWORK_NAMED])
def test_every_server_answers_to_the_names_of_this_machine(rule: HostRule, host: str) -> None:
    assert _admits(rule, host=host)


@pytest.mark.parametrize("host", OTHERS)
def test_on_loopback_without_keys_no_other_name_is_answered(host: str) -> None:
    assert not _admits(ALONE, host=host)
    assert not _admits(NAMED, host=host)
    assert not _admits(IN_NETWORK_NAMED, host=host)


@pytest.mark.parametrize("rule", [WITH_KEYS, IN_NETWORK])
def test_with_keys_or_in_a_network_every_name_is_answered(rule: HostRule) -> None:
    assert _admits(rule, host="any.example:9201")


@pytest.mark.parametrize("host", ["shop.example", "SHOP.example:443", "[2001:db8::1]:9201"])
def test_a_name_of_the_settings_is_answered(host: str) -> None:
    assert _admits(NAMED, host=host)


def test_a_refusal_names_the_setting() -> None:
    for name, setting in (("host", r"serve\.hosts"), ("origin", r"serve\.cors_origins")):
        with pytest.raises(Refusal, match=setting):
            ALONE.check("GET", _headers(**{name: "http://evil.example"}))


def test_a_program_without_host_is_no_browser() -> None:
    assert _admits(ALONE)


@pytest.mark.parametrize("rule", [ALONE, WITH_KEYS, IN_NETWORK])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://evil.example:9201"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost:3000", "sec_fetch_site": "same-site"},
        {"origin": "http://localhost:92011"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_dest": "image"},
        {"sec_fetch_site": "cross-site", "sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate"},
        {"origin": "http://localhost:9201", "sec_fetch_site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_cannot_call(
    rule: HostRule, method: str, headers: dict[str, str]
) -> None:
    assert not _admits(rule, method, host="localhost:9201", **headers)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:9201"},
        {"origin": "https://localhost:9201", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_programs_and_the_servers_own_pages_can_call(method: str, headers: dict[str, str]) -> None:
    assert _admits(ALONE, method, host="localhost:9201", **headers)


def test_a_site_may_link_but_not_send_a_form() -> None:
    link = {"host": "localhost", "sec_fetch_site": "cross-site", "sec_fetch_dest": "document"}
    assert _admits(ALONE, "GET", **link)
    assert _admits(ALONE, "HEAD", **link)
    assert not _admits(ALONE, "POST", **link)
    assert not _admits(ALONE, "GET", **{**link, "host": "evil.example"})


def test_a_browser_may_ask_whether_it_may_call() -> None:
    assert _admits(ALONE, "OPTIONS", host="localhost", origin="http://evil.example")


@pytest.mark.parametrize("rule", [NAMED, IN_NETWORK_NAMED])
def test_pages_of_a_name_of_the_settings_may_call(rule: HostRule) -> None:
    page = {"origin": "https://shop.example", "sec_fetch_site": "cross-site"}
    assert _admits(rule, "POST", host="127.0.0.1:9201", **page)
    page["origin"] = "https://shop.example.evil.example"
    assert not _admits(rule, "POST", host="127.0.0.1:9201", **page)


def test_a_request_that_a_proxy_passed_on_is_not_local() -> None:
    assert ALONE.is_local(_headers(host="localhost", user_agent="curl"))
    assert not IN_NETWORK.is_local(_headers(host="localhost"))
    for name in ("forwarded", "via", "x_forwarded_for", "x_forwarded_host", "x_real_ip"):
        assert not ALONE.is_local(_headers(host="localhost", **{name: "192.0.2.1"}))
