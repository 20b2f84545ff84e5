"""What the doctor finds: one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from es_hybrid.errors import EsHybridError

Part = Literal["settings", "cluster", "index", "embedding", "reranker", "disk"]
Status = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    Attributes:
        status: `warning`: works, but worse or not for long; `failure`: does not work.
        remedy: What to do; empty if nothing.
    """

    part: Part
    status: Status
    text: str
    remedy: str = ""


def ok(part: Part, text: str) -> Finding:
    """A finding that is as it should be."""
    return Finding(part=part, status="ok", text=text)


def warning(part: Part, text: str, remedy: str) -> Finding:
    """A finding to look at."""
    return Finding(part=part, status="warning", text=text, remedy=remedy)


def failure(part: Part, text: str, remedy: str) -> Finding:
    """A finding that prevents searches or loads."""
    return Finding(part=part, status="failure", text=text, remedy=remedy)


def attempted(part: Part, examine: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What is found, up to an error, which is then the last finding."""
    findings = examine()
    while True:
        try:
            found = next(findings, None)
        except EsHybridError as error:
            place = f"{error.place}: " if error.place else ""
            yield failure(part, f"{place}{error.message}", error.remedy)
            return
        if found is None:
            return
        yield found
