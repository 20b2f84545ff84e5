"""Tuning, with a real embedding server whose best setting is known."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.errors import SourceError
from es_hybrid.settings import Settings
from ingest.load.tuning import BatchSetting, FreshTexts, Measurement, choose, grid, sample_texts
from ingest.sources import Row
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import json_answer

Tune = Callable[..., Result]

# Requests that the server below accepts at once, and its seconds per request.
ROOM = 2
LARGEST = 8
SECONDS = 0.1


class BusyServer:
    """Takes the same time for any batch up to 8, two requests at once, and refuses the rest.

    So 8 x 2 has at least twice the throughput of every other setting that works.
    """

    def __init__(self) -> None:
        self.refused: set[int] = set()
        self._room = threading.Semaphore(ROOM)

    def __call__(self, request: dict[str, Any], number: int) -> Any:
        if len(request["input"]) > LARGEST:
            self.refused.add(413)
            return json_answer(413, {"error": {"message": "batch too large"}})
        if not self._room.acquire(blocking=False):
            self.refused.add(429)
            return json_answer(429, {"error": {"message": "overloaded"}})
        try:
            time.sleep(SECONDS)
        finally:
            self._room.release()
        return None


@pytest.fixture
def run_tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """Run `es-hybrid ingest tune` with nothing configured but a server."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, server: EmbeddingServer | None = None) -> Result:
        monkeypatch.setenv("ES_HYBRID_EMBEDDING__BATCH_SIZE", "4")
        monkeypatch.setenv("ES_HYBRID_EMBEDDING__CONCURRENCY", "1")
        if server is not None:
            monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", server.url)
        return CliRunner().invoke(main, ["ingest", "tune", *arguments])

    return run


GRID = ("--batch-size", "8", "--batch-size", "16", "--concurrency", "2", "--concurrency", "4",
        "--seconds", "0.2")  # fmt: skip


def test_the_best_setting_of_a_known_server_is_found(run_tune: Tune) -> None:
    busy = BusyServer()
    with EmbeddingServer(fault=busy) as server:
        result = run_tune(*GRID, "--json", server=server)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["choice"]["batch_size"], answer["choice"]["concurrency"]) == (8, 2)
    measured = {(m["batch_size"], m["concurrency"]): m for m in answer["measurements"]}
    # The configured 4 x 1 is included.
    assert set(measured) == {(size, n) for size in (4, 8, 16) for n in (1, 2, 4)}
    assert busy.refused == {413, 429}
    assert "413" in measured[16, 1]["reason"]
    assert measured[16, 1]["p50_ms"] is None
    assert measured[8, 4]["errors"]
    assert measured[8, 2]["p50_ms"] >= SECONDS * 1000
    assert measured[8, 2]["texts_per_second"] <= 8 * 2 / SECONDS
    # No text twice: a server's cache would answer it for free.
    assert len(set(server.texts)) == len(server.texts)


def test_the_choice_is_shown_as_a_section_of_the_settings_file(
    run_tune: Tune, tmp_path: Path
) -> None:
    rows = tmp_path / "mine.jsonl"
    rows.write_text('{"id": "1", "title": "Kettle 1.7 L"}\n{"id": "2"}\n')
    with EmbeddingServer(fault=BusyServer()) as server:
        result = run_tune(*GRID, str(rows), server=server)
        sent = set(server.texts)
    assert result.exit_code == 0, result.output
    assert "\n[embedding]\nbatch_size = 8\nconcurrency = 2\n" in result.stdout
    assert "1 texts of" in result.stderr
    assert all(text.endswith("Kettle 1.7 L") for text in sent if "es-hybrid asks" not in text)


def test_nothing_is_proposed_where_everything_fails(run_tune: Tune) -> None:
    def refuse(request: dict[str, Any], number: int) -> Any:
        return json_answer(503, {"error": {}}) if len(request["input"]) > 1 else None

    with EmbeddingServer(fault=refuse) as server:
        result = run_tune(*GRID, server=server)
    assert result.exit_code == 1
    assert "Every setting had errors" in result.stdout
    assert "[embedding]" not in result.stdout


def test_a_server_that_embeds_nothing_is_an_error(run_tune: Tune) -> None:
    with EmbeddingServer(fault=lambda request, number: json_answer(401, {})) as server:
        result = run_tune(*GRID, server=server)
    assert result.exit_code == 2
    assert "answered 401" in result.stderr
    assert "set embedding.api_key" in result.stderr


def test_the_embedded_encoder_is_measured_and_has_nothing_to_set(run_tune: Tune) -> None:
    result = run_tune("--batch-size", "8", "--concurrency", "1", "--seconds", "0.05")
    assert result.exit_code == 0, result.output
    assert "The embedded encoder ignores these settings" in result.stdout
    assert "[embedding]" not in result.stdout


def _measured(batch: int, concurrency: int, rate: float, p95: float = 50, errors: int = 0) -> Any:
    return Measurement(
        setting=BatchSetting(batch, concurrency), texts_per_second=rate, p50_ms=p95 / 2,
        p95_ms=p95, requests=10, errors=errors,
    )  # fmt: skip


def test_the_smallest_within_five_percent_is_chosen_and_not_the_fastest() -> None:
    measured = [
        _measured(16, 1, 500),
        _measured(16, 4, 960, p95=90),
        _measured(64, 1, 955, p95=70),
        _measured(64, 8, 1000),
        _measured(128, 8, 2000, errors=1),
    ]
    choice = choose(measured)
    assert choice is not None
    assert choice.measurement is measured[2]  # as many texts in progress as 16 x 4, and faster
    assert "96% of the best, 1,000 with 64 x 8" in choice.reason
    assert choose(measured[-1:]) is None


def test_the_grid_has_each_setting_once() -> None:
    assert grid([8, 1, 8], [2]) == [BatchSetting(1, 2), BatchSetting(8, 2)]


def test_texts_are_never_the_same_twice() -> None:
    texts = FreshTexts(["a", "b"])
    assert [*texts.take(3), *texts.take(1)] == ["0 a", "1 b", "2 a", "3 b"]


def test_rows_without_a_usable_one_are_refused() -> None:
    rows = [Row("f:1", {"id": "1"}), Row("f:2", {})]
    with pytest.raises(SourceError, match=r"f: none of the first 1,000 rows is usable: f:1.*title"):
        sample_texts(rows, Settings(), place="f")
