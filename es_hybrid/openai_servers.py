"""Servers that speak OpenAI's API: a client for them, and what helps against their refusals."""

from __future__ import annotations

from collections.abc import Mapping

import openai

from es_hybrid.secrets import excerpt
from es_hybrid.settings import EmbeddingSettings, JudgeSettings

# Statuses that pass, like 5xx: request timeout, conflict, too early, too many requests.
TEMPORARY = frozenset({408, 409, 425, 429})

# Characters of an answer that are searched for secrets, of which 300 are shown.
_READ = 16_000


def open_client(settings: EmbeddingSettings | JudgeSettings) -> openai.OpenAI:
    """A client for the server of a section of the settings. Opens no connection yet.

    It retries after lost connections, 408, 409, 429 and 5xx, and honours Retry-After.
    """
    return openai.OpenAI(
        base_url=settings.base_url,
        api_key=settings.api_key.get_secret_value(),
        timeout=settings.timeout,
        max_retries=settings.max_retries,
        # Texts and the key must not reach another host.
        http_client=openai.DefaultHttpxClient(follow_redirects=False),
    )


def reason_of(error: openai.APIStatusError) -> str:
    """The server's own words, on one line of at most 300 characters.

    The client keeps them only if they are in a field `message`. Text Embeddings Inference has them
    in `error`, FastAPI in `detail`, next to a copy of the request.
    """
    reason = error.body
    if isinstance(reason, Mapping):
        reason = reason.get("message") or reason.get("detail") or reason
    if isinstance(reason, list):
        parts = [each.get("msg", "") if isinstance(each, Mapping) else each for each in reason]
        reason = "; ".join(str(part) for part in parts if part)
    return excerpt(str(reason or "")[:_READ]) or error.response.reason_phrase


def remedies(section: str) -> dict[int, str]:
    """Status -> remedy, in terms of the section's settings."""
    return {
        401: f"set {section}.api_key",
        403: f"set another {section}.api_key, with the required permission",
        404: f"check {section}.base_url (it usually ends in /v1) and {section}.model",
        429: f"lower {section}.concurrency: the server is overloaded",
    } | dict.fromkeys(
        (301, 302, 303, 307, 308),
        f"set {section}.base_url to the final address: redirects are not followed",
    )
