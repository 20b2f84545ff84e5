"""The second look at the best hits."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from es_hybrid.settings.section import Section


class RerankSettings(Section):
    """The second look at the best hits."""

    model: Path | None = None
    """Folder made by `es-hybrid model export`. Without it and `url` nothing is reranked."""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """Where the model runs."""
    threads: int = Field(0, ge=0)
    """On the CPU; 0: one a core."""
    url: str | None = None
    """A rerank server in place of `model`, as `http://localhost:30000/v1/rerank`."""
    url_form: Literal["auto", "cohere", "sglang", "tei"] = "auto"
    """How it is spoken to; `cohere` also suits Jina and vLLM. `auto` finds out."""
    url_model: str = ""
    """What the server calls the model, where it wants to be told."""
    api_key: SecretStr = SecretStr("")
    """Of the server."""
    timeout: float = Field(10.0, gt=0)
    """Seconds for one request to the server."""
    window: int = Field(50, ge=1, le=1000)
    """Fused hits that are scored; the rest keep their order behind them."""
    instruction: str = (
        "Given a shopper's search query, judge whether the product satisfies the query"
    )
    """What the reranker is to judge."""
    max_length: int = Field(8192, ge=64, le=32_768)
    """Tokens of query, document and template together; longer documents are cut."""

    @model_validator(mode="after")
    def _one_reranker(self) -> RerankSettings:
        if self.model and self.url:
            raise ValueError("model and url are both set: keep one")
        return self
