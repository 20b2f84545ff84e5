"""API keys."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from es_hybrid.http.keys import ApiKeys
from es_hybrid.http.refusal import Refusal

KEY = "a-key-of-sixteen-or-more"
KEYS = ApiKeys([SecretStr("another-key-of-16-or-more"), SecretStr(KEY)])


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer {KEY}"])
def test_a_bearer_key_admits_and_is_no_credential_of_elasticsearch(authorization: str) -> None:
    assert KEYS.check(api_key=None, authorization=authorization) is None


@pytest.mark.parametrize("authorization", [None, "Basic dTpw", "Bearer elasticsearch-token"])
def test_with_x_api_key_the_authorization_is_elasticsearchs(authorization: str | None) -> None:
    assert KEYS.check(api_key=KEY, authorization=authorization) == authorization


@pytest.mark.parametrize(
    ("api_key", "authorization"),
    [(None, None), ("", ""), ("wrong", None), (None, f"Basic {KEY}"), ("ä", "Bearer ä")],
)
def test_without_a_key_it_refuses(api_key: str | None, authorization: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        KEYS.check(api_key=api_key, authorization=authorization)
    assert refused.value.status == 401
    assert refused.value.headers == [(b"www-authenticate", b"Bearer")]


def test_without_keys_everyone_is_admitted() -> None:
    assert ApiKeys([]).check(api_key=None, authorization=None) is None
    assert ApiKeys([]).check(api_key=None, authorization="Basic dTpw") == "Basic dTpw"
