"""Judgements on disk: order, undo, crashes and several judges at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError, StorageError
from es_hybrid.evaluation.judging.store import JudgementStore, grades_of, llm_name
from tests.evaluation.judging.items import POOL, item

A, B = POOL[0], POOL[1]


@pytest.fixture
def store(tmp_path: Path) -> JudgementStore:
    return JudgementStore(tmp_path / "judgements.jsonl")


def _grades(store: JudgementStore) -> dict[tuple[str, str], dict[str, int | None]]:
    return {
        pair: {by: judgement.grade for by, judgement in by_judge.items()}
        for pair, by_judge in store.read().items()
    }


def test_the_last_judgement_of_a_judge_counts_and_undo_takes_it_back(store: JudgementStore) -> None:
    assert store.read() == {}
    store.judge(A, 1, " Ann ", "too  small\n")
    store.judge(A, 3, "Bob")
    second = store.judge(A, 2, "Ann")
    store.judge(B, 0, "Ann")
    assert _grades(store) == {A.pair: {"Ann": 2, "Bob": 3}, B.pair: {"Ann": 0}}
    store.undo(second)
    assert _grades(store) == {A.pair: {"Bob": 3}, B.pair: {"Ann": 0}}
    lines = store.path.read_text("utf-8").splitlines()
    assert len(lines) == 5  # nothing was removed
    assert '"note":"too small"' in lines[0]
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("grade", "by", "message"),
    [(4, "Ann", "no grade 4"), (-1, "Ann", "no grade -1"), (1, "  ", "needs a name"),
     (1, "llm:qwen", "the name of an LLM")],
)  # fmt: skip
def test_an_unusable_judgement_is_refused(
    store: JudgementStore, grade: int, by: str, message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        store.judge(A, grade, by)
    assert not store.path.exists()


def test_an_unfinished_line_of_a_killed_process_is_dropped(store: JudgementStore) -> None:
    store.judge(A, 1, "Ann")
    whole = store.path.read_bytes()
    store.path.write_bytes(whole + b'{"query_id": "q1", "que')
    store.judge(B, 2, "Ann")
    assert store.path.read_bytes().startswith(whole + b'{"query_id":"q1"')
    assert _grades(store) == {A.pair: {"Ann": 1}, B.pair: {"Ann": 2}}


def test_a_damaged_line_is_named(store: JudgementStore) -> None:
    store.judge(A, 1, "Ann")
    with store.path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(EvaluationError, match=r"judgements\.jsonl:2: no judgement: Field required"):
        store.read()


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"check the folder of judge\.judgements"):
        JudgementStore(tmp_path / "missing" / "judgements.jsonl").judge(A, 1, "Ann")


def test_processes_that_write_at_once_lose_nothing(store: JudgementStore) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from es_hybrid.evaluation.judging.store import JudgementStore\n"
        "from tests.evaluation.judging.items import item\n"
        "store = JudgementStore(Path(sys.argv[1]))\n"
        "for number in range(50): store.judge(item('q1', str(number)), 1, sys.argv[2])\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(store.path), name])
        for name in ("Ann", "Bob", "Cy")
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    judged = store.read()
    assert len(judged) == 50
    assert all(by_judge.keys() == {"Ann", "Bob", "Cy"} for by_judge in judged.values())


def test_grades_of_people_and_of_an_llm_are_kept_apart(store: JudgementStore) -> None:
    store.judge(A, 3, "Bob")
    store.judge(A, 1, "Ann")
    store.append(A, 0, llm_name("qwen"))
    by_judge = store.read()[A.pair]
    assert grades_of(by_judge, llm=False) == [1, 3]
    assert grades_of(by_judge, llm=True) == [0]


def test_an_undone_judgement_can_be_given_again(store: JudgementStore) -> None:
    store.undo(store.judge(item("q9", "z"), 1, "Ann"))
    assert store.read() == {}
    store.judge(item("q9", "z"), 2, "Ann")
    assert _grades(store) == {("q9", "z"): {"Ann": 2}}
