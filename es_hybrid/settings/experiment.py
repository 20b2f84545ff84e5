"""An experiment on shoppers, and the log of their searches and clicks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from es_hybrid.settings.section import HashKey, Section


class ExperimentSettings(Section):
    """An experiment on shoppers, and the log of their searches and clicks; see experiments.md."""

    log: Path | None = None
    """Folder for the log of `POST /search` and `POST /events`. Unset: nothing is logged."""
    hash_key: HashKey | None = None
    """Key of at least 16 characters. If set, the log contains a keyed hash of each query instead of
    its text."""
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")] = "experiment"
    """Name of the experiment in the log. Another one starts it anew."""
    settings: Path | None = None
    """Settings file with the sections `search` and `rerank` of B; what it does not set is as in A,
    the other settings. Unset: no experiment."""
    mode: Literal["interleave", "ab"] = "interleave"
    """`interleave` mixes the hits of A and B in one answer; `ab` answers each search by one of
    them."""
    share: float = Field(1.0, ge=0, le=1)
    """Share of the searches that are interleaved, or that B answers, 0 to 1."""

    @model_validator(mode="after")
    def _is_logged(self) -> ExperimentSettings:
        if self.settings and not self.log:
            raise ValueError("an experiment without a log shows nothing: set log")
        return self
