"""The embedder, which turns texts into vectors."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from es_hybrid.settings.section import HeaderSecret, Section, without_credentials


class EmbeddingSettings(Section):
    """The embedder, which turns texts into vectors."""

    base_url: str | None = None
    """URL of an OpenAI-compatible server, e.g. `http://localhost:30000/v1`. Unset: the embedded
    encoder."""
    api_key: HeaderSecret = SecretStr("EMPTY")
    """API key for the server; SGLang accepts any."""
    model: str = "Qwen/Qwen3-Embedding-0.6B"
    """Model name on the server. Not used by the embedded encoder."""
    revision: str = ""
    """Revision of the model; part of the index passport."""
    dims: int | None = Field(None, ge=32, le=4096)
    """Vector dimensions. Unset: those of the model. Longer vectors are truncated."""
    query_instruction: str = (
        "Given a shopper's search query, retrieve the products that satisfy the query"
    )
    """Instruction prepended to queries, never to documents; empty for models without one."""
    batch_size: int = Field(32, ge=1, le=2048)
    """Texts per request."""
    concurrency: int = Field(4, ge=1, le=64)
    """Concurrent requests."""
    timeout: float = Field(60.0, gt=0)
    """Seconds to wait for one request."""
    max_retries: int = Field(5, ge=0, le=20)
    """Retries after a failed request or an unusable answer."""

    @field_validator("base_url")
    @classmethod
    def _without_credentials(cls, given: str | None) -> str | None:
        return without_credentials(given, key="embedding.api_key")
