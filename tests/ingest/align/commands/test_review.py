from __future__ import annotations

import re
from pathlib import Path

from tests.align.catalogue import run
from tests.ingest.align.commands.kettles import B2, group_ids, records_of, write_csv


def test_review_asks_stores_and_undoes(aligned: Path) -> None:
    Path("es-hybrid.toml").write_text("[align]\nmerge = 0.999\nreview = 0.01\n", encoding="utf-8")
    store = ("--store", aligned / "s.sqlite")
    assert run("align", "run", aligned / "p.jsonl", *store).exit_code == 0
    typed = "a\nsame box\nr\n\nu\ns\nx\nq\n"
    result = run("align", "review", "--by", "Ann", *store, given=typed)
    assert result.exit_code == 0, result.output
    assert "1 accepted, 0 rejected" in result.stdout
    listed = run("align", "review", "--decisions", *store).stdout
    assert re.search(r"accept +Ann +same box", listed)
    assert re.search(r"reject +Ann +\d.* Ann \d", listed), "the second was taken back"
    assert run("align", "review", "--undo", "1", "--by", "Bo", *store).exit_code == 0
    again = run("align", "review", "--undo", "1", "--by", "Bo", *store)
    assert again.exit_code == 2
    assert "no decision 1, or it is already undone" in again.stderr


def test_decisions_override_scores_in_later_runs() -> None:
    write_csv(Path("b2.csv"), list(B2))
    store = Path(".es-hybrid/align/default.sqlite")
    assert run("align", "run", "b2.csv").exit_code == 0
    run("align", "review", "--accept", "k-de", "t-en", "--by", "Ann", "--reason", "a set")
    for other in ("k-en", "k-fr"):
        run("align", "review", "--reject", "k-de", other, "--by", "Ann")
    run("align", "review", "--reject", "k-de", "k-zh", "--by", "Ann")
    assert run("align", "run", "b2.csv").exit_code == 0
    assert group_ids(store) == [["k-de", "t-en"], ["k-en", "k-fr", "k-zh"]]
    assert records_of(store)["k-de", "t-en"].rule == "person: Ann, a set"
    rows = [*B2, ("p-en", "en", "Frying Pan 28 cm")]
    write_csv(Path("b2.csv"), rows)
    assert run("align", "run", "b2.csv").exit_code == 0
    assert group_ids(store) == [["k-de", "t-en"], ["k-en", "k-fr", "k-zh"]], "another run forgot it"
