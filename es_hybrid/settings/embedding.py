"""The embedder, which turns texts into vectors."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, field_validator

from es_hybrid.settings.section import HeaderSecret, Section, without_credentials
from es_hybrid.settings.templates import AUTO, Template

# Fields of a request that follow from other settings.
_OUR_FIELDS = {"dimensions", "encoding_format", "input", "model"}


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
    """Instruction for `{instruction}` in the template of queries; empty: no template for them."""
    query_template: Template = AUTO
    """What queries are sent as: a family of models, e.g. `qwen3` or `e5`, or a text with `{text}`
    and perhaps `{instruction}` in it. `auto` chooses by the name of the model, or by the prompts in
    its folder or in the Hugging Face cache."""
    document_template: Template = AUTO
    """The same for documents; part of the index passport."""
    query_parameters: dict[str, Any] = Field({})
    """Further fields of requests for queries, e.g. `{ input_type = "query" }`."""
    document_parameters: dict[str, Any] = Field({})
    """The same for documents, e.g. `{ input_type = "document" }`; part of the index passport. If
    the two differ, the server adds prompts itself, and `auto` adds none."""
    batch_size: int = Field(32, ge=1, le=2048)
    """Texts per request."""
    concurrency: int = Field(4, ge=1, le=64)
    """Concurrent requests; of the embedded encoder, batches at once, at most one for each core."""
    timeout: float = Field(60.0, gt=0)
    """Seconds to wait for one request."""
    max_retries: int = Field(5, ge=0, le=20)
    """Retries after a failed request or an unusable answer."""
    query_cache: int = Field(1000, ge=0, le=1_000_000)
    """Vectors of recent queries that are kept in memory, 4 bytes per dimension; 0: none."""
    query_cache_seconds: float = Field(3600.0, gt=0)
    """Seconds until a query is embedded again."""

    @field_validator("document_template")
    @classmethod
    def _without_instruction(cls, given: str) -> str:
        if "{instruction}" in given:
            raise ValueError("documents have no instruction: write the text itself")
        return given

    @field_validator("query_parameters", "document_parameters")
    @classmethod
    def _beside_ours(cls, given: dict[str, Any]) -> dict[str, Any]:
        if ours := sorted(given.keys() & _OUR_FIELDS):
            raise ValueError(f"{', '.join(ours)}: set by embedding.dims, model and the texts")
        return given

    @field_validator("base_url")
    @classmethod
    def _without_credentials(cls, given: str | None) -> str | None:
        return without_credentials(given, key="embedding.api_key")
