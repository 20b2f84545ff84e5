"""Listening sockets."""

from __future__ import annotations

import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.http.listening import address, is_loopback, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example", ""])
def test_other_addresses(host: str) -> None:
    assert not is_loopback(host)


def test_a_free_port_is_listened_on_once() -> None:
    with listen("127.0.0.1", 0, section="serve") as listening:
        port = listening.getsockname()[1]
        assert address(listening) == f"http://127.0.0.1:{port}"
        with pytest.raises(SettingsError, match=rf"serve\.port = {port}: cannot listen"):
            listen("127.0.0.1", port, section="serve")
