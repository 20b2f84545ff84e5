"""`eval llm`: agreement first, a file of its own, and marks in the qrels."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.evaluation.judgements import read_qrels
from es_hybrid.evaluation.judging.pool import write_pool
from es_hybrid.evaluation.judging.store import JudgementStore
from tests.evaluation.judging.items import POOL
from tests.evaluation.judging.test_llm import by_title
from tests.fakes.chat import ChatServer


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["eval", *arguments])


def test_an_llms_judgements_are_never_mixed_in_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pool(POOL, Path("pool.jsonl"))
    assert "no LLM is configured" in run("llm").stderr
    with ChatServer(by_title) as server:
        monkeypatch.setenv("ES_HYBRID_JUDGE__BASE_URL", server.url)
        monkeypatch.setenv("ES_HYBRID_JUDGE__MODEL", "qwen")
        assert "was judged by a person" in run("llm").stderr
        people = JudgementStore(Path("judgements.jsonl"))
        people.judge(POOL[0], 3, "Ann")
        people.judge(POOL[1], 0, "Ann")
        done = run("llm")
    assert done.exit_code == 0, done.output
    first, second = done.stdout.splitlines()
    assert first == (
        "llm:qwen and people: kappa 0.333, with quadratic weights 0.429, 50% the same, 2 pairs"
    )
    assert second == "8 judged by llm:qwen in judgements-llm.jsonl"
    imported = run("import", "judgements", "judgements.jsonl", "judgements-llm.jsonl")
    assert "6 by an LLM only, marked `llm` in the second column" in imported.stdout
    assert "left out 6 judgements by an LLM; --with-llm uses them" in (
        run("run", "missing.tsv", "qrels.txt").stderr
    )
    assert "these figures use 6 judgements by an LLM" in (
        run("run", "missing.tsv", "qrels.txt", "--with-llm").stderr
    )
    assert read_qrels(Path("qrels.txt")) == {"q1": {"a": 3, "b": 0}}
    assert len(read_qrels(Path("qrels.txt"), with_llm=True)["q2"]) == 4
    assert Path("qrels.txt").read_text().count(" llm ") == 6
