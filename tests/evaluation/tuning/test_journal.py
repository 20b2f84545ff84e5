"""The journal of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.tuning.journal import TuningJournal

RUN = {"seed": 1}


def test_a_killed_run_continues(tmp_path: Path) -> None:
    path = tmp_path / "tune.journal"
    with TuningJournal(path, RUN) as journal:
        assert journal.values == {}
        journal.write("q1", {0: 0.5, 3: 1.0})
        journal.write("q2", {0: 0.25})
        journal.write("q1", {7: 0.75})
    path.write_bytes(path.read_bytes()[:-5])  # killed while it wrote
    with TuningJournal(path, RUN) as journal:
        assert journal.values == {"q1": {0: 0.5, 3: 1.0}, "q2": {0: 0.25}}
        journal.write("q1", {7: 0.75})
    with TuningJournal(path, RUN) as journal:
        assert journal.values["q1"] == {0: 0.5, 3: 1.0, 7: 0.75}
        journal.remove()
    assert not path.exists()


def test_a_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tune.journal"
    with TuningJournal(path, RUN) as journal:
        journal.write("q1", {0: 0.5})
    with pytest.raises(EvaluationError, match="other queries, judgements"):
        TuningJournal(path, {"seed": 2})
    with TuningJournal(path, RUN) as journal:
        assert journal.values == {"q1": {0: 0.5}}


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "tune.journal"
    with TuningJournal(path, RUN), pytest.raises(EvaluationError, match="another process"):
        TuningJournal(path, RUN)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tune.journal"
    with TuningJournal(path, RUN) as journal:
        journal.write("q1", {0: 0.5})
    with path.open("ab") as file:
        file.write(b'{"query": "q2", "values": [1]}\n')
    with pytest.raises(EvaluationError, match=r"tune\.journal:3"):
        TuningJournal(path, RUN)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="No such file"):
        TuningJournal(tmp_path / "missing" / "tune.journal", RUN)
