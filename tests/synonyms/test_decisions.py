from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import SettingsError, StorageError
from es_hybrid.synonyms.decisions import SynonymDecisions
from es_hybrid.understanding.synonym_file import read_synonyms
from tests.synonyms.test_candidates import CHAIR

PEN = CHAIR.__class__(
    words="pen", other="stift", languages=("en", "de"), score=0.5, support=2, origin="clicks"
)


def test_accepted_rules_are_added_for_every_language(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_text("sofa, couch\n[de]\nhandy, smartphone", encoding="utf-8")
    decisions = SynonymDecisions(str(path))
    decisions.decide(CHAIR, True, "ann", "same\nthing")
    decisions.decide(PEN, False, "ann")
    lines = path.read_text("utf-8").splitlines()
    assert lines[:3] == ["sofa, couch", "[de]", "handy, smartphone"]
    assert lines[3].startswith("# accepted: chair, stuhl | by ann | 20")
    assert lines[3].endswith("| score 0.90 in 3 titles, en-de | same thing")
    assert lines[4:6] == ["[*]", "chair, stuhl"]
    assert lines[6].startswith("# rejected: pen => pen, stift | by ann | ")
    assert decisions.decided() == {"chair, stuhl": True, "pen => pen, stift": False}
    rules = read_synonyms(path)
    assert rules.find("chair", "en")
    assert not rules.find("handy", "en")
    assert not rules.find("pen")


def test_the_last_decision_can_be_undone(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    decisions = SynonymDecisions(str(path))
    assert decisions.decided() == {}
    decisions.decide(CHAIR, True, "ann")
    before = path.read_bytes()
    made = decisions.decide(PEN, True, "ann")
    decisions.undo(made)
    assert path.read_bytes() == before
    made = decisions.decide(PEN, True, "ann")
    path.write_bytes(path.read_bytes() + b"a, b\n")
    with pytest.raises(SettingsError, match="changed since"):
        decisions.undo(made)


def test_a_decision_needs_a_name_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a name"):
        SynonymDecisions(str(tmp_path / "s.txt")).decide(CHAIR, True, " ")
    for source in ("", "es://shop"):
        with pytest.raises(SettingsError, match="names no file"):
            SynonymDecisions(source)
    with pytest.raises(StorageError, match="cannot be written"):
        SynonymDecisions(str(tmp_path / "none" / "s.txt")).decide(CHAIR, True, "ann")
