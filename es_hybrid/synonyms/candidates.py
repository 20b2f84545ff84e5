"""Candidates for synonyms in a file, one JSON object a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from es_hybrid.errors import SettingsError
from es_hybrid.files import writable

SynonymOrigin = Literal["titles", "clicks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SynonymCandidate:
    """Two words or phrases that may mean the same.

    Attributes:
        words: From a title, or from queries.
        other: From another title of the same products, or from the products clicked.
        languages: Of both, two letters each; empty if unknown.
        score: Share of the texts with either words in which they were found to correspond, lower
            the fewer there are; (0, 1).
        support: Number of pairs of texts in which they were.
        origin: What they were learned from.
        examples: Pairs of texts.
    """

    words: str
    other: str
    languages: tuple[str, str]
    score: float
    support: int
    origin: SynonymOrigin
    examples: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """As in a file of synonyms. What queries say is not what products should be found for."""
        if self.origin == "clicks":
            return f"{self.words} => {self.words}, {self.other}"
        return f"{self.words}, {self.other}"


_CANDIDATE = TypeAdapter(SynonymCandidate)


def write_candidates(candidates: Sequence[SynonymCandidate], path: Path) -> None:
    """Write a file of candidates.

    Raises:
        StorageError: it cannot be written.
    """
    with writable(path, remedy="choose another file"):
        path.write_bytes(b"".join(orjson.dumps(asdict(each)) + b"\n" for each in candidates))


def read_candidates(path: Path) -> list[SynonymCandidate]:
    """The candidates in a file.

    Raises:
        SettingsError: it cannot be read, or a line is no candidate.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SettingsError(
            f"cannot be read: {error.strerror}",
            place=str(path),
            remedy="name a file that `es-hybrid synonyms propose` wrote",
        ) from None
    return [_candidate(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _candidate(line: bytes, place: str) -> SynonymCandidate:
    try:
        return _CANDIDATE.validate_json(line)
    except ValidationError as error:
        raise SettingsError(
            f"no candidate: {error.errors()[0]['msg']}",
            place=place,
            remedy="write the file again with `es-hybrid synonyms propose`",
        ) from None
