"""Reranking of the best hits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from es_hybrid.errors import InvalidRequest
from es_hybrid.settings.instructions import INSTRUCTIONS
from es_hybrid.settings.section import HeaderSecret, Section, without_credentials


class RerankSettings(Section):
    """Reranking of the best hits."""

    enabled: bool = True
    """Whether to rerank hits."""
    model: Path | None = None
    """Model folder created by `es-hybrid model export`. Default, without `url`: the small bundled
    model."""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """Where to run the model."""
    threads: int = Field(0, ge=0)
    """CPU threads; 0: one per core."""
    session_options: dict[str, str] = Field({})
    """Additional configuration entries of ONNX Runtime, e.g. `session.intra_op.allow_spinning`."""
    url: str | None = None
    """URL of a rerank server to use instead of `model`, e.g. `http://localhost:30000/v1/rerank`."""
    url_form: Literal["auto", "cohere", "sglang", "tei"] = "auto"
    """Request form of the server; `cohere` also suits Jina and vLLM. `auto` detects it."""
    url_template: Literal["none", "qwen3"] = "none"
    """Prompt to put query and documents into. `qwen3`: for a Qwen3-Reranker on a server that adds
    none, such as vLLM without a score template, whose scores are wrong otherwise."""
    url_model: str = ""
    """Model name to send to the server, if it requires one."""
    api_key: HeaderSecret = SecretStr("")
    """API key for the server."""
    timeout: float = Field(10.0, gt=0)
    """Seconds to wait for one request to the server."""
    deadline_ms: int | None = Field(None, ge=1)
    """Milliseconds to score the hits of one search; hits not scored by then keep their order."""
    window: int = Field(50, ge=1, le=1000)
    """Number of fused hits to score; the others keep their order behind them. With `collapse`, the
    best hit of each group comes first."""
    weight: float | None = Field(None, gt=0, le=1)
    """Weight of the reranker's score in a search; the fused score gets the rest. Unset: the weight
    in the manifest of the model, 1 for a strong model and less for the bundled one."""
    canaries: bool = True
    """Let a server score queries whose right product is beyond doubt, at the start and every hour,
    and do not use it while it ranks them wrongly. `false` uses it unchecked."""
    category: str = "search"
    """Key in `instructions` to use if a call names no category."""
    instructions: dict[str, str] = INSTRUCTIONS
    """Instructions for the reranker by category, in addition to the built-in ones."""
    max_length: int = Field(8192, ge=64, le=32_768)
    """Tokens of query, document and template together; longer documents are truncated."""

    @property
    def deadline_seconds(self) -> float | None:
        """`deadline_ms` in seconds."""
        return None if self.deadline_ms is None else self.deadline_ms / 1000

    def instruction_for(self, category: str | None = None) -> str:
        """The instruction for a category; default: the configured category.

        Raises:
            InvalidRequest: there is no such category.
        """
        name = category or self.category
        if name not in self.instructions:
            raise InvalidRequest(
                f"no instruction for category {name!r}",
                place="rerank.instructions",
                remedy=f"add it, or use one of {', '.join(sorted(self.instructions))}",
            )
        return self.instructions[name]

    @field_validator("instructions", mode="before")
    @classmethod
    def _add_built_in(cls, given: Any) -> Any:
        return INSTRUCTIONS | given if isinstance(given, dict) else given

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, given: str | None) -> str | None:
        return without_credentials(given, key="rerank.api_key")

    @model_validator(mode="after")
    def _one_reranker(self) -> RerankSettings:
        if self.model and self.url:
            raise ValueError("model and url are both set: keep one")
        if self.category not in self.instructions:
            raise ValueError(f"no instruction for category {self.category!r}")
        return self
