"""Experiments of a server: searches, `POST /events`, and what `eval` reads of the log."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from es_hybrid.cli import main
from es_hybrid.errors import EmbeddingError, SettingsError
from es_hybrid.node import EmbeddedNode
from tests.fakes.http import dead_url
from tests.fakes.models import FakeEmbedder
from tests.serve.running import Got, ask, serving
from tests.serve.test_shop import NO_RERANKER

TEXT = "Hat"


def _settings(folder: Path, products: str = "products", **experiment: Any) -> dict[str, Any]:
    """B ranks by meaning alone."""
    variant = folder / "b.toml"
    variant.write_text("[search]\nbm25_weight = 0\nfields = ['brand.text']\n", "utf-8")
    values = {"log": str(folder / "log"), "settings": str(variant), **experiment}
    return {"experiment": values, "index": {"name": products}, "rerank": NO_RERANKER}


def _search(url: str, **body: Any) -> dict[str, Any]:
    got = ask(url, "/search", method="POST", body={"text": TEXT, "floor": False, **body})
    assert got.status == 200, got.body
    answer: dict[str, Any] = got.json()
    return answer


def _click(url: str, query_id: str, hit: dict[str, Any]) -> Got:
    about = {"object": {"object_id": hit["id"]}, "position": {"ordinal": hit["rank"]}}
    event = {
        "action_name": "click", "query_id": query_id, "event_attributes": about,
        "client_id": "Ms Smith", "session_id": "s", "user_query": "Ms Smith", "message": "Ms Smith",
    }  # fmt: skip
    return ask(url, "/events", method="POST", body=[event])


def _logged(folder: Path) -> list[dict[str, Any]]:
    (file,) = (folder / "log").iterdir()
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _evaluated(folder: Path, command: str, *options: str) -> str:
    (file,) = (folder / "log").iterdir()
    done = CliRunner().invoke(main, ["eval", command, str(file), *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_from_searches_and_clicks_to_the_better_ranking(
    node: EmbeddedNode, products: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(node.url, embedder=FakeEmbedder(), **_settings(tmp_path, products)) as url:
        for _ in range(40):
            answer = _search(url)
            assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
            assert {hit["id"] for hit in answer["hits"]} == {"1", "2", "3"}
            wanted = next(hit for hit in answer["hits"] if hit["id"] == "2")
            assert _click(url, answer["query_id"], wanted).json() == {"accepted": 1}
    queries = [row for row in _logged(tmp_path) if "user_query" in row]
    assert len(queries) == 40
    credited = Counter[str]()
    for row in queries:
        facts = row["query_attributes"]["experiment"]
        shown = set(row["query_response_hit_ids"])
        assert shown == {*facts["a"], *facts["b"]} == {"1", "2", "3"}
        credited.update(team for team in ("a", "b") if "2" in facts[team])
    assert "Smith" not in json.dumps(_logged(tmp_path))
    found = json.loads(_evaluated(tmp_path, "interleave", "--json"))
    assert (found["a"], found["b"], found["ties"]) == (credited["a"], credited["b"], 0)
    assert "40 searches, 120 impressions, 40 clicks" in _evaluated(tmp_path, "clicks")


def test_pages_of_one_search_continue_each_other(
    node: EmbeddedNode, products: str, tmp_path: Path
) -> None:
    with serving(node.url, embedder=FakeEmbedder(), **_settings(tmp_path, products)) as url:
        first = _search(url, size=2)
        again = _search(url, size=2, query_id=first["query_id"])
        assert again["hits"] == first["hits"]
        second = _search(url, size=2, page=2, query_id=first["query_id"])
        assert [hit["rank"] for hit in second["hits"]] == [3]
        ids = [hit["id"] for hit in first["hits"] + second["hits"]]
        assert sorted(ids) == ["1", "2", "3"]
        assert _search(url, page=2, size=2)["hits"]
        sorted_by_price = _search(url, sort=["price"])
        assert "query_id" not in sorted_by_price
    rows = _logged(tmp_path)
    assert [row["query_id"] for row in rows] == [first["query_id"]] * 3
    assert rows[-1]["query_response_hit_ids"] == ids


def test_ab_answers_every_search_by_one_ranking_and_hides_the_query(
    node: EmbeddedNode, products: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, products, mode="ab", share=0.5, hash_key="k" * 16)
    orders: dict[str, set[str]] = {"A": set(), "B": set()}
    with serving(node.url, embedder=FakeEmbedder(), **settings) as url:
        shown = {}
        for _ in range(20):
            answer = _search(url)
            shown[answer["query_id"]] = [hit["id"] for hit in answer["hits"]]
            _click(url, answer["query_id"], answer["hits"][0])
    for row in _logged(tmp_path):
        if "user_query" in row:
            assert row["query_response_hit_ids"] == shown[row["query_id"]]
            team = row["query_attributes"]["experiment"]["team"]
            orders[team].add(" ".join(shown[row["query_id"]]))
            assert len(row["user_query"]) == 64
    assert len(orders["A"]) == len(orders["B"]) == 1
    assert "not decided" in _evaluated(tmp_path, "interleave")


def test_without_b_searches_are_only_logged(
    node: EmbeddedNode, products: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, products, settings=None)
    with serving(node.url, embedder=FakeEmbedder(), **settings) as url:
        answer = _search(url)
    (row,) = _logged(tmp_path)
    assert row["query_id"] == answer["query_id"]
    assert (row["user_query"], row["query_attributes"]) == (TEXT, {})


GOOD = {"action_name": "click", "query_id": "q", "event_attributes": {"object": {"object_id": "1"}}}


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([GOOD] * 100, 202),
        ([GOOD] * 101, 400),
        ([], 400),
        (GOOD, 400),
        ([GOOD | {"action_name": "Ms Smith"}], 400),
        ([GOOD | {"query_id": "x" * 101}], 400),
        ([GOOD | {"event_attributes": {"object": {"object_id": "x" * 513}}}], 400),
        ([GOOD | {"event_attributes": {"object": {"object_id": ""}}}], 400),
        ([GOOD | {"event_attributes": {"position": {"ordinal": 1}}}], 400),
        ([GOOD | {"event_attributes": {
            "object": {"object_id": "1"}, "position": {"ordinal": "one"}}}], 400),
        ([GOOD | {"message": "x" * 900_000}], 413),
    ],
)  # fmt: skip
def test_events_are_validated(tmp_path: Path, events: Any, status: int) -> None:
    with serving(dead_url(), embedder=FakeEmbedder(), **_settings(tmp_path)) as url:
        assert ask(url, "/events", method="POST", body=events).status == status
    assert len(_logged(tmp_path)) == (len(events) if status == 202 else 0)


def test_events_need_a_key_and_a_log(tmp_path: Path) -> None:
    key = "a-key-of-sixteen-or-more"
    with serving(
        dead_url(), embedder=FakeEmbedder(), serve={"api_keys": [key]}, rerank=NO_RERANKER
    ) as url:
        assert ask(url, "/events", method="POST", body=[GOOD]).status == 401
        got = ask(url, "/events", method="POST", body=[GOOD], headers={"X-API-Key": key})
    assert (got.status, "experiment.log" in got.json()["error"]["reason"]) == (501, True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[index]\nname = 'x'", r"index\.\*: cannot differ"),
        ("[rerank]\nmodel = 'x'", r"rerank\.model: cannot differ"),
        ("[search]\nwindow = 0", "window"),
        ("[search", "not a readable TOML file"),
        ("[rerank]\nenabled = true", "the server has no reranker"),
    ],
)
def test_settings_of_b_that_cannot_be_used_are_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    settings = _settings(tmp_path)
    (tmp_path / "b.toml").write_text(text)
    with (
        pytest.raises(SettingsError, match=problem),
        serving(dead_url(), embedder=FakeEmbedder(), **settings),
    ):
        pass


class _Broken(FakeEmbedder):
    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        raise EmbeddingError("cannot be reached")


def test_a_search_whose_rankings_are_incomplete_does_not_count(
    node: EmbeddedNode, products: str, tmp_path: Path
) -> None:
    with serving(node.url, embedder=_Broken(), **_settings(tmp_path, products)) as url:
        answer = _search(url)
    assert answer["degraded"]
    (row,) = _logged(tmp_path)
    assert row["query_attributes"] == {}
    assert row["query_response_hit_ids"] == [hit["id"] for hit in answer["hits"]] == ["2", "3"]


def test_an_error_of_b_is_not_the_shopper_s(
    node: EmbeddedNode, products: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, products)
    # Elasticsearch refuses a field name with a boost that is no number.
    (tmp_path / "b.toml").write_text('[search]\nfields = ["title^x"]\n', "utf-8")
    with serving(node.url, embedder=FakeEmbedder(), **settings) as url:
        answer = _search(url)
    alone = _settings(tmp_path, products, mode="ab", log=str(tmp_path / "other"))
    (tmp_path / "b.toml").write_text('[search]\nfields = ["title^x"]\n', "utf-8")
    with serving(node.url, embedder=FakeEmbedder(), **alone) as url:
        assert ask(url, "/search", method="POST", body={"text": TEXT}).status == 400
    assert answer["hits"]
    (row,) = _logged(tmp_path)
    assert row["query_attributes"] == {}
    assert row["query_response_hit_ids"] == [hit["id"] for hit in answer["hits"]]
