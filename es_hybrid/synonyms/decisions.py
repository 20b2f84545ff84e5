"""People's decisions about candidates, in the file of synonyms itself.

    # accepted: chair, stuhl | by ann | 2026-11-29T20:40:01+00:00 | score 0.93 in 14 titles, de-en
    chair, stuhl
    # rejected: pen, stift | by ann | 2026-11-29T20:40:09+00:00 | score 0.50 in 2 titles, de-en

A decided rule is not asked for again, also after the file was edited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.align.store import now
from es_hybrid.errors import SettingsError
from es_hybrid.files import locked_for_appending, sync, writable
from es_hybrid.synonyms.candidates import SynonymCandidate
from es_hybrid.understanding.synonym_file import synonyms_set

_DECIDED = re.compile(r"^# (?P<decision>accepted|rejected): (?P<rule>[^|]*) \|", re.MULTILINE)
_SECTIONS = re.compile(r"^\s*\[([^\]]*)\]\s*$", re.MULTILINE)
_ALL = "*"
_REMEDY = "check the folder of search.synonyms"


@dataclass(frozen=True, slots=True)
class SynonymDecision:
    """A decision in the file: its first and last byte."""

    start: int
    end: int


class SynonymDecisions:
    """Reads and writes the decisions; safe for several processes.

    Args:
        source: `search.synonyms`.

    Raises:
        SettingsError: it names no file.
    """

    def __init__(self, source: str) -> None:
        if not source or synonyms_set(source) is not None:
            raise SettingsError(
                "names no file to write the accepted rules to",
                place="search.synonyms",
                remedy="set it to a file, such as synonyms.txt",
            )
        self._path = Path(source)

    def decided(self) -> dict[str, bool]:
        """Rule -> whether it was accepted."""
        text = self._path.read_text("utf-8-sig") if self._path.exists() else ""
        return {found["rule"]: found["decision"] == "accepted" for found in _DECIDED.finditer(text)}

    def decide(
        self, candidate: SynonymCandidate, accept: bool, by: str, reason: str = ""
    ) -> SynonymDecision:
        """Append a decision, and the rule if it is accepted.

        Args:
            by: The person's name; not blank.

        Raises:
            SettingsError: no name.
            StorageError: the file cannot be written.
        """
        if not by.strip():
            raise SettingsError("a decision needs a name", place="by", remedy="set the name")
        with writable(self._path, remedy=_REMEDY), locked_for_appending(self._path) as file:
            file.seek(0)
            text = file.read().decode(errors="replace")
            lines = [f"# {_facts(candidate, accept, by, reason)}"]
            if accept:
                # The rule is for every language, whatever section the file ends with.
                ends_with = _SECTIONS.findall(text)[-1:] or [_ALL]
                lines += [f"[{_ALL}]"] * (ends_with[0].strip() != _ALL) + [candidate.rule]
            start = file.tell()
            block = "\n" * (text != "" and not text.endswith("\n")) + "\n".join(lines) + "\n"
            file.write(block.encode())
            sync(file)
            return SynonymDecision(start, file.tell())

    def undo(self, decision: SynonymDecision) -> None:
        """Remove the last decision.

        Raises:
            SettingsError: something else was written since.
            StorageError: the file cannot be written.
        """
        with writable(self._path, remedy=_REMEDY), locked_for_appending(self._path) as file:
            if file.seek(0, 2) != decision.end:
                raise SettingsError(
                    "changed since the decision",
                    place=str(self._path),
                    remedy="remove the rule with an editor",
                )
            file.truncate(decision.start)
            sync(file)


def _facts(candidate: SynonymCandidate, accept: bool, by: str, reason: str) -> str:
    """The rule, who decided, when, and why."""
    languages = "-".join(dict.fromkeys(filter(None, candidate.languages)))
    facts = (
        f"{'accepted' if accept else 'rejected'}: {candidate.rule}",
        f"by {by.strip()}",
        now(),
        f"score {candidate.score:.2f} in {candidate.support} {candidate.origin}, {languages}",
        reason.strip(),
    )
    return " | ".join(" ".join(fact.split()) for fact in facts if fact)
