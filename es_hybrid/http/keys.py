"""Who may use es-hybrid's own endpoints, and whose credentials Elasticsearch then sees."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from pydantic import SecretStr

from es_hybrid.http.refusal import Refusal

_BEARER = "bearer "


class ApiKeys:
    """The keys of `serve.api_keys`; without any, everyone may enter.

    A key comes as `X-API-Key: …` or as `Authorization: Bearer …`.
    """

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]

    def check(self, *, api_key: str | None, authorization: str | None) -> str | None:
        """Let a caller in, or not.

        Returns:
            The caller's own credentials for Elasticsearch, as an Authorization header, where the
            caller sent some; they then take the place of ours.

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

    def _knows(self, given: str) -> bool:
        """Compares with every key, so that the time taken tells nothing."""
        matches = [hmac.compare_digest(given.encode(), key) for key in self._keys]
        return any(matches)
