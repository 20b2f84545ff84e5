"""The second look at the best hits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from es_hybrid.errors import SettingsError
from es_hybrid.settings.instructions import INSTRUCTIONS
from es_hybrid.settings.section import Section


class RerankSettings(Section):
    """The second look at the best hits."""

    enabled: bool = True
    """Whether hits are reranked."""
    model: Path | None = None
    """Folder made by `es-hybrid model export`. Unset, and no `url`: the small bundled model."""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """Where the model runs."""
    threads: int = Field(0, ge=0)
    """On the CPU; 0: one a core."""
    session_options: dict[str, str] = Field({})
    """Further configuration entries of ONNX Runtime, as `session.intra_op.allow_spinning`."""
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
    deadline_ms: int | None = Field(None, ge=1)
    """Milliseconds for the scoring of one search; hits not scored by then keep their order."""
    window: int = Field(50, ge=1, le=1000)
    """Fused hits that are scored; the rest keep their order behind them."""
    weight: float | None = Field(None, gt=0, le=1)
    """Of the reranker's score in a search's order, the rest being the fused score's. Unset: 1 for a
    strong model, less for the bundled one, as its manifest says."""
    category: str = "search"
    """Which of `instructions` is used where none is asked for."""
    instructions: dict[str, str] = INSTRUCTIONS
    """What the reranker is to judge, by category; yours are added to those that come along."""
    max_length: int = Field(8192, ge=64, le=32_768)
    """Tokens of query, document and template together; longer documents are cut."""

    def instruction_for(self, category: str | None = None) -> str:
        """What the reranker is to judge for a category; by default the configured one.

        Raises:
            SettingsError: there is no such category.
        """
        name = category or self.category
        if name not in self.instructions:
            raise SettingsError(
                f"no instruction for category {name!r}",
                place="rerank.instructions",
                remedy=f"add it, or take one of {', '.join(sorted(self.instructions))}",
            )
        return self.instructions[name]

    @field_validator("instructions", mode="before")
    @classmethod
    def _beside_the_usual(cls, given: Any) -> Any:
        return INSTRUCTIONS | given if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _one_reranker(self) -> RerankSettings:
        if self.model and self.url:
            raise ValueError("model and url are both set: keep one")
        if self.category not in self.instructions:
            raise ValueError(f"no instruction for category {self.category!r}")
        return self
