"""The commands as one types them, from a file to groups, review and report."""

from __future__ import annotations

import csv
import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest

from es_hybrid.align.journal import Journal
from es_hybrid.align.records import PairRecord
from tests.align.catalogue import groups, run, write, write_truth

# Scenario B1: pairs of titles, and whether they are the same product.
B1 = (
    ("防水运动相机,4K超清,带Wi-Fi遥控", "Waterproof Action Camera 4K Ultra HD with WiFi Remote"),
    ("多功能厨房电子秤,精度0.1g", "Digital Kitchen Scale Multifunctional, 0.1g Precision"),
    ("可折叠宠物航空箱,适配小型犬", "Foldable Pet Carrier for Small Dogs, Airline Approved"),
    ("儿童益智拼图,木质环保", "Wooden Educational Puzzle for Kids, Eco-Friendly"),
)
# Scenario B2: one kettle in four languages, and a thermometer.
B2 = (
    ("k-zh", "zh", "不锈钢电热水壶 1.7升 双层防烫 自动断电"),
    ("k-en", "en", "Stainless Steel Electric Kettle 1.7 L Double Wall Auto Shut-Off"),
    ("k-fr", "fr", "Bouilloire électrique inox 1,7 L double paroi arrêt automatique"),
    ("k-de", "de", "Edelstahl Wasserkocher 1,7 L doppelwandig mit Abschaltautomatik"),
    ("t-en", "en", "Digital Food Thermometer for Kitchen"),
)


def _csv(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "lang", "title"), *rows])
    return path


def _records(store: Path) -> dict[tuple[str, str], PairRecord]:
    return {record.pair: record for record in Journal(store).records()}


def _groups(store: Path) -> list[list[str]]:
    named: dict[str, list[str]] = {}
    for node, name in Journal(store).groups().items():
        named.setdefault(name, []).append(node.id)
    return sorted(sorted(ids) for ids in named.values())


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample catalogue's whole products, aligned once: folder of `s.sqlite`, `truth.tsv`."""
    folder = tmp_path_factory.mktemp("aligned")
    rows = groups(25)
    write(folder / "p.jsonl", rows)
    write_truth(folder / "truth.tsv", rows)
    result = run("align", "run", folder / "p.jsonl", "--store", folder / "s.sqlite")
    assert result.exit_code == 0, result.output
    return folder


def test_scenario_b1_pairs_of_two_catalogues() -> None:
    _csv(Path("zh.csv"), [(f"zh{n}", "zh", zh) for n, (zh, _) in enumerate(B1)])
    _csv(Path("en.csv"), [(f"en{n}", "en", en) for n, (_, en) in enumerate(B1)])
    result = run("align", "run", "zh.csv", "--against", "en.csv")
    assert result.exit_code == 0, result.output
    found = _records(Path(".es-hybrid/align/default.sqlite"))
    assert [found[f"zh{n}", f"en{n}"].decision for n in range(4)] == ["merge"] * 4
    others = [record for pair, record in found.items() if pair[0][2:] != pair[1][2:]]
    assert len(others) == 12
    assert {record.decision for record in others} == {"discard"}


def test_scenario_b2_the_kettles_are_one_group_without_the_thermometer() -> None:
    _csv(Path("b2.csv"), list(B2))
    result = run("align", "run", "b2.csv", "--groups", "g.csv", "--pairs", "p.jsonl")
    assert result.exit_code == 0, result.output
    assert "1 groups of 4 products" in result.stdout
    assert "fewer than 50 products in de, en, fr, zh" in result.stderr
    store = Path(".es-hybrid/align/default.sqlite")
    assert _groups(store) == [["k-de", "k-en", "k-fr", "k-zh"]]
    lines = [json.loads(line) for line in Path("p.jsonl").read_text("utf-8").splitlines()]
    assert {(line["left_id"], line["right_id"]) for line in lines} == set(_records(store))
    kettle = next(line for line in lines if line["decision"] == "merge")
    assert kettle["rule"] == "score >= 0.9"
    assert kettle["model"].startswith("universal-sentence-encoder-multilingual@3, weights")
    assert {"knn", "vectors"} <= kettle["stages"].keys()


def test_another_size_is_another_product_and_the_rule_says_why() -> None:
    rows = [row if row[0] != "k-de" else ("k-de", "de", row[2].replace("1,7", "1,5")) for row in B2]
    _csv(Path("b2.csv"), rows)
    assert run("align", "run", "b2.csv").exit_code == 0
    store = Path(".es-hybrid/align/default.sqlite")
    assert _groups(store) == [["k-en", "k-fr", "k-zh"]]
    assert _records(store)["k-de", "k-en"].rule == "numbers differ: 1,5 l / 1.7 l"
    assert _records(store)["k-de", "k-zh"].rule == "numbers differ: 1,5 l / 1.7 升"


def test_calibrate_shows_the_scores_to_be_good_and_fits_others(aligned: Path) -> None:
    given = ("--truth", aligned / "truth.tsv", "--store", aligned / "s.sqlite")
    result = run("align", "calibrate", *given, "--json")
    assert result.exit_code == 0, result.output
    points = json.loads(result.stdout)["points"]
    assert points["merge"]["precision"] > 0.98
    assert points["merge"]["recall"] > 0.6
    result = run("align", "calibrate", *given, "--plot", "c.png", "--fit", "w.json")
    assert result.exit_code == 0, result.output
    assert "weights in w.json; F1 at 0.9 on the half that was held out" in result.stdout
    assert Path("c.png").stat().st_size > 10_000
    Path("es-hybrid.toml").write_text('[align]\nweights = "w.json"\n', encoding="utf-8")
    result = run("align", "run", aligned / "p.jsonl", "--store", aligned / "s.sqlite")
    assert "went on with an earlier run" in result.stdout
    assert "sha256:" in next(iter(_records(aligned / "s.sqlite").values())).model


def test_thresholds_change_without_searching_again(aligned: Path) -> None:
    before = len(_groups(aligned / "s.sqlite"))
    Path("es-hybrid.toml").write_text("[align]\nmerge = 0.999\nreview = 0.1\n", encoding="utf-8")
    result = run("align", "run", aligned / "p.jsonl", "--store", aligned / "s.sqlite")
    assert "candidates 0." in result.stdout
    assert "went on with an earlier run" in result.stdout
    assert len(_groups(aligned / "s.sqlite")) <= before


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
    assert "no decision 1 that still counts" in again.stderr


def test_a_persons_word_wins_over_the_scores_in_later_runs() -> None:
    _csv(Path("b2.csv"), list(B2))
    store = Path(".es-hybrid/align/default.sqlite")
    assert run("align", "run", "b2.csv").exit_code == 0
    run("align", "review", "--accept", "k-de", "t-en", "--by", "Ann", "--reason", "a set")
    for other in ("k-en", "k-fr"):
        run("align", "review", "--reject", "k-de", other, "--by", "Ann")
    run("align", "review", "--reject", "k-de", "k-zh", "--by", "Ann")
    assert run("align", "run", "b2.csv").exit_code == 0
    assert _groups(store) == [["k-de", "t-en"], ["k-en", "k-fr", "k-zh"]]
    assert _records(store)["k-de", "t-en"].rule == "person: Ann, a set"
    rows = [*B2, ("p-en", "en", "Frying Pan 28 cm")]
    _csv(Path("b2.csv"), rows)
    assert run("align", "run", "b2.csv").exit_code == 0
    assert _groups(store) == [["k-de", "t-en"], ["k-en", "k-fr", "k-zh"]], "another run forgot it"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_text_or_a_page_that_runs_nothing() -> None:
    evil = "<img src=x onerror=alert(1)>Kettle 1.7 L"
    Path("es-hybrid.toml").write_text("[align]\nmerge = 1.0\nreview = 0.0\n", encoding="utf-8")
    _csv(Path("b2.csv"), [*B2[:1], ("k-en", "en", evil)])
    assert run("align", "run", "b2.csv").exit_code == 0
    run("align", "review", "--reject", "k-en", "k-zh", "--by", "Ann", "--reason", "<b>no</b>")
    text = run("align", "report")
    assert text.exit_code == 0, text.output
    assert "rejected  1" in text.stdout
    assert run("align", "report", "--html", "r.html").exit_code == 0
    page = _Page()
    page.feed(Path("r.html").read_text("utf-8"))
    assert page.links == []
    assert not {"img", "script", "b", "link"} & set(page.tags)
    assert "<b>no</b>" in page.text
    assert stat.S_IMODE(Path("r.html").stat().st_mode) == 0o600


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
        (["report"], "there is no alignment; make it with: es-hybrid align run"),
        (["review"], "there is no alignment"),
        (["apply"], "there is no alignment"),
        (["calibrate", "--truth", "b2.csv"], "cannot tell what the columns"),
        (["run", "b2.csv", "--store", "b2.csv"], "SQLite: file is not a database"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_status_2(arguments: list[str], problem: str) -> None:
    _csv(Path("b2.csv"), list(B2))
    Path("empty.jsonl").touch()
    text = Path("b2.csv").read_text("utf-8").replace("id,lang", "id,tongue")
    if "calibrate" in arguments:
        Path("b2.csv").write_text("this,that\n" + text, encoding="utf-8")
    result = run("align", *arguments)
    assert result.exit_code == 2, result.output
    assert problem in result.stderr
    assert "Traceback" not in result.output


def test_rows_that_cannot_be_used_are_left_out_and_told_of() -> None:
    rows = [*B2, ("k-zh", "zh", "again"), ("bad", "zh", "")]
    _csv(Path("b2.csv"), rows)
    result = run("align", "run", "b2.csv")
    assert result.exit_code == 0, result.output
    assert "the id 'k-zh' stands here again" in result.stderr
    assert _groups(Path(".es-hybrid/align/default.sqlite")) == [["k-de", "k-en", "k-fr", "k-zh"]]


def test_a_catalogue_without_any_pair_has_no_groups() -> None:
    _csv(Path("one.csv"), list(B2[:1]))
    result = run("align", "run", "one.csv", "--pairs", "p.csv", "--groups", "g.jsonl")
    assert result.exit_code == 0, result.output
    assert "0 pairs: 0 merge, 0 review, 0 discard; 0 groups of 0 products" in result.stdout
    assert "no groups to write" in run("align", "apply").stderr
    assert "none" not in run("align", "report").stderr
