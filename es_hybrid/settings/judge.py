"""Judging results: the files, and an LLM as a judge."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from es_hybrid.settings.section import HeaderSecret, Section, without_credentials


class JudgeSettings(Section):
    """Judging results: the files, and an LLM as a judge."""

    pool: Path = Path("pool.jsonl")
    """File with the results to judge, which `eval sample` writes."""
    judgements: Path = Path("judgements.jsonl")
    """File that people's judgements are appended to."""
    llm_judgements: Path = Path("judgements-llm.jsonl")
    """File that an LLM's judgements are appended to."""
    base_url: str | None = None
    """URL of an OpenAI-compatible server with the LLM, e.g. `http://localhost:30000/v1`."""
    model: str = ""
    """Model name on the server."""
    api_key: HeaderSecret = SecretStr("EMPTY")
    """API key for the server; SGLang and vLLM accept any."""
    concurrency: int = Field(4, ge=1, le=64)
    """Concurrent requests to the LLM."""
    timeout: float = Field(60.0, gt=0)
    """Seconds to wait for one answer of the LLM."""
    max_retries: int = Field(3, ge=0, le=20)
    """Retries after a failed request or an unusable answer of the LLM."""

    @field_validator("base_url")
    @classmethod
    def _without_credentials(cls, given: str | None) -> str | None:
        return without_credentials(given, key="judge.api_key")
