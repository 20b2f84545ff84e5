"""The commands as one types them, from a file to groups, review and report."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest

from tests.align.catalogue import run
from tests.ingest.align.commands.kettles import B2, group_ids, records_of, write_csv

# Scenario B1: pairs of titles, and whether they are the same product.
B1 = (
    ("防水运动相机,4K超清,带Wi-Fi遥控", "Waterproof Action Camera 4K Ultra HD with WiFi Remote"),
    ("多功能厨房电子秤,精度0.1g", "Digital Kitchen Scale Multifunctional, 0.1g Precision"),
    ("可折叠宠物航空箱,适配小型犬", "Foldable Pet Carrier for Small Dogs, Airline Approved"),
    ("儿童益智拼图,木质环保", "Wooden Educational Puzzle for Kids, Eco-Friendly"),
)


def test_scenario_b1_pairs_of_two_catalogues() -> None:
    write_csv(Path("zh.csv"), [(f"zh{n}", "zh", zh) for n, (zh, _) in enumerate(B1)])
    write_csv(Path("en.csv"), [(f"en{n}", "en", en) for n, (_, en) in enumerate(B1)])
    result = run("align", "run", "zh.csv", "--against", "en.csv")
    assert result.exit_code == 0, result.output
    found = records_of(Path(".es-hybrid/align/default.sqlite"))
    assert [found[f"zh{n}", f"en{n}"].decision for n in range(4)] == ["merge"] * 4
    others = [record for pair, record in found.items() if pair[0][2:] != pair[1][2:]]
    assert len(others) == 12
    assert {record.decision for record in others} == {"discard"}


def test_scenario_b2_the_kettles_are_one_group_without_the_thermometer() -> None:
    write_csv(Path("b2.csv"), list(B2))
    result = run("align", "run", "b2.csv", "--groups", "g.csv", "--pairs", "p.jsonl")
    assert result.exit_code == 0, result.output
    assert "1 groups of 4 products" in result.stdout
    assert "fewer than 50 products in de, en, fr, zh" in result.stderr
    store = Path(".es-hybrid/align/default.sqlite")
    assert group_ids(store) == [["k-de", "k-en", "k-fr", "k-zh"]]
    lines = [json.loads(line) for line in Path("p.jsonl").read_text("utf-8").splitlines()]
    assert {(line["left_id"], line["right_id"]) for line in lines} == set(records_of(store))
    kettle = next(line for line in lines if line["decision"] == "merge")
    assert kettle["rule"] == "score >= 0.9"
    assert kettle["model"].startswith("universal-sentence-encoder-multilingual@3, weights")
    assert {"knn", "vectors"} <= kettle["stages"].keys()


def test_another_size_is_another_product_and_the_rule_says_why() -> None:
    rows = [row if row[0] != "k-de" else ("k-de", "de", row[2].replace("1,7", "1,5")) for row in B2]
    write_csv(Path("b2.csv"), rows)
    assert run("align", "run", "b2.csv").exit_code == 0
    store = Path(".es-hybrid/align/default.sqlite")
    assert group_ids(store) == [["k-en", "k-fr", "k-zh"]]
    assert records_of(store)["k-de", "k-en"].rule == "numbers differ: 1,5 l / 1.7 l"
    assert records_of(store)["k-de", "k-zh"].rule == "numbers differ: 1,5 l / 1.7 升"


def test_thresholds_change_without_searching_again(aligned: Path) -> None:
    before = len(group_ids(aligned / "s.sqlite"))
    Path("es-hybrid.toml").write_text("[align]\nmerge = 0.999\nreview = 0.1\n", encoding="utf-8")
    result = run("align", "run", aligned / "p.jsonl", "--store", aligned / "s.sqlite")
    assert "candidates 0." in result.stdout
    assert "resumed an earlier run" in result.stdout
    assert len(group_ids(aligned / "s.sqlite")) <= before


def test_no_cell_of_a_table_is_a_formula() -> None:
    lines = [
        {"id": f"{sign}{lang}", "lang": lang, "title": f"{sign}cmd|' /C calc'!A0 kettle {size} L"}
        for size, sign in enumerate(("=", "+", "-", "@", "\uff1d"), 1)
        for lang in ("en", "de")
    ]
    Path("evil.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    result = run("align", "run", "evil.jsonl", "--pairs", "p.csv", "--groups", "g.csv")
    assert result.exit_code == 0, result.output
    for name in ("p.csv", "g.csv"):
        with Path(name).open(encoding="utf-8-sig", newline="") as file:
            _, *rows = csv.reader(file)
        cells = [cell for row in rows for cell in row]
        assert any("calc" in cell for cell in cells)
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run", "absent.jsonl"], "absent.jsonl"),
        (["run", "b2.csv", "--pairs", "p.txt"], "the name does not show the format"),
        (["run", "b2.csv", "--pairs", "absent/p.csv"], "no such folder"),
        (["run", "empty.jsonl"], "empty.jsonl"),
        (["report"], "there is no alignment; create it with: es-hybrid align run"),
        (["review"], "there is no alignment"),
        (["apply"], "there is no alignment"),
        (["calibrate", "--truth", "b2.csv"], "unknown columns"),
        (["run", "b2.csv", "--store", "b2.csv"], "SQLite: file is not a database"),
    ],
)
def test_errors_name_the_problem_and_exit_with_2(arguments: list[str], problem: str) -> None:
    write_csv(Path("b2.csv"), list(B2))
    Path("empty.jsonl").touch()
    text = Path("b2.csv").read_text("utf-8").replace("id,lang", "id,tongue")
    if "calibrate" in arguments:
        Path("b2.csv").write_text("this,that\n" + text, encoding="utf-8")
    result = run("align", *arguments)
    assert result.exit_code == 2, result.output
    assert problem in result.stderr
    assert "Traceback" not in result.output


def test_unusable_rows_are_skipped_and_reported() -> None:
    rows = [*B2, ("k-zh", "zh", "again"), ("bad", "zh", "")]
    write_csv(Path("b2.csv"), rows)
    result = run("align", "run", "b2.csv")
    assert result.exit_code == 0, result.output
    assert "duplicate id 'k-zh'" in result.stderr
    assert group_ids(Path(".es-hybrid/align/default.sqlite")) == [["k-de", "k-en", "k-fr", "k-zh"]]


def test_a_catalogue_without_any_pair_has_nogroup_ids() -> None:
    write_csv(Path("one.csv"), list(B2[:1]))
    result = run("align", "run", "one.csv", "--pairs", "p.csv", "--groups", "g.jsonl")
    assert result.exit_code == 0, result.output
    assert "0 pairs: 0 merge, 0 review, 0 discard; 0 groups of 0 products" in result.stdout
    assert "no groups to write" in run("align", "apply").stderr
    assert "none" not in run("align", "report").stderr
