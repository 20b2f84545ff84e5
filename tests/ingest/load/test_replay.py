from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from es_hybrid.errors import SourceError
from tests.ingest.conftest import Shop

OpenShop = Callable[..., Shop]


def rows_with_commas(count: int, bad: set[int]) -> list[dict[str, Any]]:
    return [
        {"id": f"P{n}", "title": f"Product {n}", "price": f"{n},50" if n in bad else f"{n}.50"}
        for n in range(count)
    ]


def test_after_the_fix_of_a_setting_the_count_is_full(open_shop: OpenShop) -> None:
    shop = open_shop()
    bad = set(range(0, 360, 3))
    assert shop.load(rows_with_commas(360, bad)).rejected == len(bad)
    letters = shop.dead_letters
    assert shop.replay().rejected == len(bad)  # nothing is set right yet
    assert [letter["row"] for letter in shop.dead_letters] == [letter["row"] for letter in letters]
    assert len(letters) > (shop.settings.ingest.max_rejected_in_a_row or 0) > 0
    shop.with_settings("ingest", decimal_separator=",")
    tally = shop.replay()
    assert (tally.created, tally.rejected) == (len(bad), 0)
    assert shop.dead_letters == []
    stored = shop.stored()
    assert len(stored) == 360
    assert stored["P3"]["price"] == 3.5


def test_a_row_may_be_corrected_in_the_file_and_what_stays_bad_stays(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load([
        {"id": "1", "title": " "}, {"id": "2", "title": " "}, {"id": "3", "title": "Fine"}
    ])  # fmt: skip
    path = shop.folder / "dead.jsonl"
    letters = shop.dead_letters
    letters[0]["row"]["title"] = "Kettle"
    letters[1]["row"] |= {"title": "Cup", "price": -1}
    foreign = {**letters[1], "index": "another-shop"}
    path.write_text("".join(json.dumps(letter) + "\n" for letter in (*letters, foreign)))
    tally = shop.replay()
    assert (tally.created, tally.rejected) == (1, 1)
    assert shop.stored()["1"]["title"] == "Kettle"
    left, other = shop.dead_letters
    assert (left["id"], left["field"], left["version"]) == ("2", "price", letters[1]["version"])
    assert other == foreign
    assert shop.said[-1] == "1 rows are for other indices and stay in the file"


def test_it_never_overwrites_what_was_loaded_later(open_shop: OpenShop) -> None:
    """Also if the later load found the document unchanged, or updated it in part."""
    shop = open_shop()
    first = [{"id": id_, "title": f"Old {id_}", "price": 1} for id_ in "abc"]
    shop.load(first)
    shop.load([{"id": id_, "title": f"Never {id_}", "price": "9,9"} for id_ in "abc"])
    shop.load([first[0], first[1] | {"price": 2}, first[2] | {"title": "New c"}])
    assert (shop.tally.unchanged, shop.tally.updated) == (1, 2)
    shop.with_settings("ingest", decimal_separator=",")
    assert shop.replay().superseded == 3
    assert shop.dead_letters == []
    stored = {id_: (d["title"], d["price"]) for id_, d in shop.stored().items()}
    assert stored == {"a": ("Old a", 1.0), "b": ("Old b", 2.0), "c": ("New c", 1.0)}


def test_a_later_row_of_the_same_load_wins_too(open_shop: OpenShop) -> None:
    shop = open_shop()
    rows = [{"id": "a", "title": "Old", "price": "1,5"}, {"id": "a", "title": "New", "price": "2"}]
    shop.load(rows)
    shop.with_settings("ingest", decimal_separator=",")
    assert shop.replay().superseded == 1
    assert shop.stored()["a"]["title"] == "New"


def test_lines_that_could_not_be_read_stay(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load([{"id": "1", "title": "T"}])
    path = shop.folder / "rows.jsonl"
    path.write_text(path.read_text() + '{"id": "2", \n')
    shop.load()
    assert shop.replay().rejected == 1
    (letter,) = shop.dead_letters
    assert (letter["stage"], letter["row"]) == ("read", '{"id": "2", ')


@pytest.mark.parametrize("content", ["[]\n", "no json\n", '{"row": {}}\n'])
def test_another_file(open_shop: OpenShop, content: str) -> None:
    shop = open_shop()
    (shop.folder / "dead.jsonl").write_text(content)
    with pytest.raises(SourceError, match=r"dead\.jsonl:1: not a dead letter"):
        shop.replay()
    (shop.folder / "dead.jsonl").unlink()
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        shop.replay()
