from __future__ import annotations

import json
from pathlib import Path

from tests.align.catalogue import run
from tests.ingest.align.commands.kettles import records_of


def test_calibrate_shows_the_scores_to_be_good_and_fits_others(aligned: Path) -> None:
    given = ("--truth", aligned / "truth.tsv", "--store", aligned / "s.sqlite")
    result = run("align", "calibrate", *given, "--json")
    assert result.exit_code == 0, result.output
    points = json.loads(result.stdout)["points"]
    assert points["merge"]["precision"] > 0.98
    assert points["merge"]["recall"] > 0.6
    result = run("align", "calibrate", *given, "--plot", "c.png", "--fit", "w.json")
    assert result.exit_code == 0, result.output
    assert "weights in w.json; F1 at 0.9 on the held-out half" in result.stdout
    assert Path("c.png").stat().st_size > 10_000
    Path("es-hybrid.toml").write_text('[align]\nweights = "w.json"\n', encoding="utf-8")
    result = run("align", "run", aligned / "p.jsonl", "--store", aligned / "s.sqlite")
    assert "resumed an earlier run" in result.stdout
    assert "sha256:" in next(iter(records_of(aligned / "s.sqlite").values())).model
