from __future__ import annotations

import pytest

from benchmarks.command import parse_arguments


def test_a_smoke_run_has_other_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*arguments: str) -> tuple[object, ...]:
        monkeypatch.setattr("sys.argv", ["benchmark", *arguments])
        options = parse_arguments(None, rows=(1000, 10), rounds=(3, 1))
        return options.rows, options.rounds

    assert parsed() == (1000, 3)
    assert parsed("--smoke") == (10, 1)
    assert parsed("--smoke", "--rows", "0") == (0, 1)


def test_a_smoke_run_prints_no_ratio_that_could_be_taken_for_a_measurement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for argument in ("--smoke", None):
        monkeypatch.setattr("sys.argv", ["benchmark", *filter(None, [argument])])
        parse_arguments(None).print_ratio("name", 1.23456)
    assert capsys.readouterr().out == "SMOKE RATIO name 1.235\nRATIO name 1.235\n"
