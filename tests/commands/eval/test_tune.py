"""`es-hybrid eval tune`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.evaluation.tuning.tuner import Tuner
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import load_settings

Tune = Callable[..., Result]


@pytest.fixture
def tune(
    node: EmbeddedNode, catalogue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Tune:
    """Tunes the sample catalogue on some of its queries, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_RERANK__ENABLED", "false")
    data = files("es_hybrid.data")
    lines = data.joinpath("queries.tsv").read_text("utf-8").splitlines(keepends=True)

    def run(*arguments: str, config: str = "", step: int = 3) -> Result:
        Path("queries.tsv").write_text("".join(lines[::step]), "utf-8")
        Path("es-hybrid.toml").write_text(config, "utf-8")
        with as_file(data / "qrels.txt") as qrels:
            target = ("--url", node.url, "--index", catalogue)
            return CliRunner().invoke(
                main, ["eval", "tune", "queries.tsv", str(qrels), *target, *arguments]
            )

    return run


# A vector leg of no weight, and only all words match: half of the languages find nothing.
BAD = '[search]\nknn_weight = 0.0\nminimum_should_match = "100%"\nwindow = 20\n'


def test_bad_settings_are_replaced_by_better_ones(tune: Tune) -> None:
    done = tune("--trials", "8", config=BAD, step=1)
    assert done.exit_code == 0, done.output
    written = Path("es-hybrid-tune.toml").read_text("utf-8")
    assert tomllib.loads(written)["search"]["knn_weight"] > 0
    assert load_settings(Path("es-hybrid-tune.toml")).search.knn_weight > 0
    assert written.partition("\n\n")[2] in done.stdout
    evidence = json.loads(Path("es-hybrid-tune.json").read_text("utf-8"))
    assert evidence["adopted"]
    assert 0 < evidence["interval"][0] < evidence["gain"] < evidence["interval"][1]
    assert evidence["held_out"]["queries"].keys().isdisjoint(evidence["tuned_on"]["queries"])
    assert len(evidence["trials"]) >= 8
    assert evidence["compared_with_live_search"] == 20
    assert not Path("es-hybrid-tune.journal").exists()
    again = tune("--trials", "8", config=BAD)
    assert again.exit_code == 2
    assert "the file exists" in again.output


def test_good_settings_stay_as_they_are(tune: Tune) -> None:
    done = tune("--trials", "4", "--out", "new.toml", "--json")
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout) == json.loads(Path("new.json").read_text("utf-8"))
    assert not json.loads(done.stdout)["adopted"]
    assert not Path("new.toml").exists()


def test_a_killed_run_continues(tune: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    values_of = Tuner.values_of
    measured: list[str] = []

    def killed(self: Tuner, query, changes):  # type: ignore[no-untyped-def]
        if len(measured) == 6:
            raise KeyboardInterrupt
        measured.append(query.id)
        return values_of(self, query, changes)

    with monkeypatch.context() as patched:
        patched.setattr(Tuner, "values_of", killed)
        assert tune("--trials", "4", "--json").exit_code != 0
    kept = len(Path("es-hybrid-tune.journal").read_text("utf-8").splitlines()) - 1
    assert 0 < kept <= 6
    other = tune("--trials", "5", "--json")
    assert other.exit_code == 2
    assert "other queries, judgements, settings" in other.output

    measured.clear()

    def counted(self: Tuner, query, changes):  # type: ignore[no-untyped-def]
        measured.append(query.id)
        return values_of(self, query, changes)

    with monkeypatch.context() as patched:
        patched.setattr(Tuner, "values_of", counted)
        continued = tune("--trials", "4", "--json")
    assert continued.exit_code == 1, continued.output
    whole = tune("--trials", "4", "--json", "--out", "whole.toml")
    first, second = json.loads(continued.stdout), json.loads(whole.stdout)
    for evidence in (first, second):
        del evidence["leaves_asked"]
    assert first == second


def test_files_that_are_no_settings_are_refused(tune: Tune) -> None:
    refused = tune("--out", "evidence.json")
    assert refused.exit_code == 2
    assert "choose another name" in refused.output
