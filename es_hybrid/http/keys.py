"""API keys of es-hybrid's own endpoints."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

from pydantic import SecretStr

from es_hybrid.http.answers import Headers
from es_hybrid.http.refusal import Refusal

_BEARER = "bearer "
_KEY_HEADERS = (b"x-api-key", b"authorization")


class ApiKeys:
    """The keys of `serve.api_keys`; without any, every caller is admitted.

    A key is sent as `X-API-Key: …` or as `Authorization: Bearer …`.
    """

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]

    @property
    def required(self) -> bool:
        """Whether there are any keys, so that callers need one."""
        return bool(self._keys)

    def check(self, *, api_key: str | None, authorization: str | None) -> str | None:
        """Admit a caller, or refuse.

        Returns:
            The caller's own credentials for Elasticsearch, as an Authorization header, if the
            request has some; they replace the server's.

        Raises:
            Refusal: 401.
        """
        bearer = authorization or ""
        bearer = bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else ""
        if self._knows(bearer):
            return None
        if self._keys and not self._knows(api_key or ""):
            raise Refusal(
                401,
                "security_exception",
                "this endpoint needs one of serve.api_keys, as X-API-Key or as a Bearer token",
                [(b"www-authenticate", b"Bearer")],
            )
        return authorization

    def removed_from(self, headers: Headers) -> Headers:
        """The headers without those that carry one of the keys: they are not for Elasticsearch.

        Args:
            headers: Names in lower case.
        """
        if not self._keys:
            return headers
        return [
            (name, value)
            for name, value in headers
            if name not in _KEY_HEADERS or not any(map(self._knows, _keys_in(value)))
        ]

    def _knows(self, given: str) -> bool:
        """Compares with every key, so that timing reveals nothing."""
        matches = [hmac.compare_digest(given.encode(), key) for key in self._keys]
        return any(matches)


def _keys_in(value: bytes) -> list[str]:
    """What may be a key in `X-API-Key` or `Authorization`; of Basic, the password."""
    text = value.decode("latin-1")
    _, _, token = text.partition(" ")
    try:
        _, _, password = base64.b64decode(token, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        password = ""
    return [text, token.strip(), password]
