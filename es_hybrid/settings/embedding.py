"""What turns texts into vectors."""

from __future__ import annotations

from pydantic import Field, SecretStr

from es_hybrid.settings.section import Section


class EmbeddingSettings(Section):
    """What turns texts into vectors."""

    base_url: str | None = None
    """An OpenAI-compatible server, as `http://localhost:30000/v1`. Unset: the embedded encoder."""
    api_key: SecretStr = SecretStr("EMPTY")
    """Sent to the server; SGLang takes any."""
    model: str = "Qwen/Qwen3-Embedding-0.6B"
    """As the server calls it. The embedded encoder has its own."""
    revision: str = ""
    """Of the model; part of the index's passport."""
    dims: int | None = Field(None, ge=32, le=4096)
    """Dims of the vectors. Unset: what the model gives. Fewer: cut, by the server or here."""
    query_instruction: str = (
        "Given a shopper's search query, retrieve the products that satisfy the query"
    )
    """Goes before queries and never before documents; empty for models that take none."""
    batch_size: int = Field(32, ge=1, le=2048)
    """Texts in one request."""
    concurrency: int = Field(4, ge=1, le=64)
    """Requests under way at once."""
    timeout: float = Field(60.0, gt=0)
    """Seconds for one request."""
    max_retries: int = Field(5, ge=0, le=20)
    """Of a request that failed or was answered with what cannot be used."""
