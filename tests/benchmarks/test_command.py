from __future__ import annotations

import platform
import re

import pytest

from benchmarks.command import parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentile, percentiles
from es_hybrid.settings import load_settings


@pytest.fixture(autouse=True)
def _restore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__QUERY_CACHE", "7")


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
    printed = capsys.readouterr().out.splitlines()
    ratios = [line for line in printed if "RATIO" in line]
    assert ratios == ["SMOKE RATIO name 1.235", "RATIO name 1.235"]


def test_the_machine_is_named_and_no_query_is_remembered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark"])
    parse_arguments(None)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d: \d+ cores of .+, \d+ GiB, \w+ .*, load [\d.]+", first)
    assert f"Python {platform.python_version()}, Elasticsearch 9." in second
    assert "onnxruntime" in second
    assert load_settings().embedding.query_cache == 0


def test_percentiles_are_columns_of_a_table() -> None:
    assert PERCENTILE_TITLES.split() == ["p50", "p90", "p99"]
    assert percentiles([float(each) for each in range(101)]) == "    50.00    90.00    99.00"
    assert percentile([1.0, 2.0], 50) == 1.5
