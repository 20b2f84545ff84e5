"""Loads that ended early, and their resumption from the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import EsHybridError, IndexStateError, Interrupted, Outage
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import Settings
from ingest.load.job import LoadJob
from ingest.record.ledger import Ledger
from ingest.record.loads import find_load, prune
from ingest.record.status import read_status
from ingest.sources import Source
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.http import Answer, json_answer
from tests.ingest.conftest import Shop

OpenShop = Callable[..., Shop]


def products(count: int) -> list[dict[str, Any]]:
    return [{"id": f"P{n}", "title": f"Product number {n}"} for n in range(count)]


class Switch:
    """An embedding server's fault that can be switched off.

    Args:
        number: Of the first request that fails.
    """

    def __init__(self, number: int) -> None:
        self.on, self.number, self.fired = True, number, 0

    def __call__(self, _request: dict[str, Any], number: int) -> Any:
        if not self.on or number < self.number:
            return None
        self.fired += 1
        return json_answer(503, {"error": "gone"})


@pytest.fixture
def broken(open_shop: OpenShop, node: EmbeddedNode) -> Shop:
    """1,300 rows; the embedding server fails after about 800."""
    switch = Switch(110)
    shop = open_shop(fault=switch, embedding={"max_retries": 0}, ingest={"max_outage_s": 0.2})
    with pytest.raises(Outage, match="resume with `es-hybrid ingest resume"):
        shop.load(products(1_300))
    assert switch.fired
    switch.on = False
    return shop


def ledger_of(shop: Shop) -> Path:
    return find_load(shop.settings.ingest.ledger_dir, None)


def test_what_is_done_is_passed_over_and_the_rest_is_loaded(
    broken: Shop, node: EmbeddedNode
) -> None:
    first = broken.embedded()
    with Ledger(ledger_of(broken)) as ledger:
        done = ledger.totals().rows
        assert 0 < done < 1_300
    looked_up = 0

    def count(path: str, body: bytes, _ask: Forward) -> Answer | None:
        nonlocal looked_up
        looked_up += body.count(b'"P') if "/_mget" in path else 0
        return None

    with FaultyProxy(node.url, count) as proxy:
        broken.with_settings("elasticsearch", url=proxy.url)
        tally = broken.resume()
    assert looked_up == 1_300 - done == tally.rows == tally.ended
    again = broken.embedded()
    # A batch of eight that was embedded at the end may or may not be written.
    workers = 4 + 2
    assert len(set(first) & set(again)) <= 8 * workers
    assert {*first, *again} == {f"Product number {n}" for n in range(1_300)}
    assert len(broken.stored()) == 1_300
    with pytest.raises(IndexStateError, match="no unfinished load"):
        broken.resume()


def test_a_load_says_how_far_it_is_before_and_after(broken: Shop) -> None:
    ledger = ledger_of(broken)
    status = read_status(broken.settings, ledger)
    assert (status.state, status.expected) == ("interrupted", 1_300)
    assert 0 < status.tally.rows < 1_300
    assert status.with_vector == status.documents == len(broken.stored())
    assert status.coverage == 1.0
    assert status.lines()[-1] == f"  resume it with `es-hybrid ingest resume {ledger.stem}`"
    broken.resume()
    status = read_status(broken.settings, ledger)
    assert (status.state, status.tally.rows, status.left) == ("finished", 1_300, None)
    assert status.as_json()["tally"]["created"] + status.tally.unchanged == 1_300


def test_it_is_refused_when_a_file_has_changed(broken: Shop) -> None:
    with (broken.folder / "rows.jsonl").open("a") as file:
        file.write('{"id": "more", "title": "T"}\n')
    with pytest.raises(EsHybridError, match=r"rows\.jsonl: the file has changed since"):
        broken.resume()


def test_it_is_refused_when_settings_would_make_other_documents(broken: Shop) -> None:
    broken.with_settings("ingest", default_lang="de", bulk_concurrency=1)
    with pytest.raises(EsHybridError, match=r"since the load began: ingest\.default_lang;"):
        broken.resume()


def test_it_is_refused_when_the_language_would_be_detected_differently(broken: Shop) -> None:
    broken.with_settings("index", languages=("de", "fr"))
    with pytest.raises(EsHybridError, match=r"since the load began: index\.languages;"):
        broken.resume()


def test_it_is_refused_when_a_newer_load_has_finished(broken: Shop) -> None:
    old = ledger_of(broken)
    broken.load()
    with pytest.raises(EsHybridError, match="a newer load of the index has finished"):
        LoadJob.resumed(broken.settings, old)


def test_a_finished_load_and_one_that_is_not_there(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(3))
    folder = shop.settings.ingest.ledger_dir
    with pytest.raises(EsHybridError, match="this load has finished"):
        LoadJob.resumed(shop.settings, ledger_of(shop))
    with pytest.raises(EsHybridError, match="nonsense: no such load"):
        find_load(folder, "nonsense")
    assert find_load(folder, ledger_of(shop).stem) == ledger_of(shop)
    for _ in range(12):
        shop.load(products(1))
        prune(folder, shop.settings.index.name)
    assert len(list(folder.glob("*.sqlite"))) == 10


def test_a_pipe_cannot_be_read_again(broken: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(ledger_of(broken)) as ledger:
        facts = ledger.facts
    monkeypatch.setattr("ingest.load.job.can_be_read_again", lambda path: path not in (
        source.path for source in facts.sources
    ))  # fmt: skip
    with pytest.raises(EsHybridError, match="a pipe cannot be read again"):
        broken.resume()


def test_a_source_without_a_fingerprint_is_read_anew(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an index, whose documents may change their order; stored rows are unchanged."""
    monkeypatch.setattr("ingest.load.job.fingerprint", lambda _path: None)
    switch = Switch(110)
    shop = open_shop(fault=switch, embedding={"max_retries": 0}, ingest={"max_outage_s": 0.2})
    with pytest.raises(Outage):
        shop.load(products(1_300))
    switch.on = False
    tally = shop.resume()
    assert (tally.rows, tally.created + tally.unchanged) == (1_300, 1_300)
    assert tally.unchanged > 500


def test_a_signal_ends_it_after_the_batch_in_hand(open_shop: OpenShop) -> None:
    job: LoadJob

    def stop(_request: dict[str, Any], number: int) -> None:
        if number == 30:
            job.stop(15)

    shop = open_shop(fault=stop)
    rows = products(1_300)
    bad = (100, 700, 1_200)
    for number in bad:
        rows[number]["price"] = "12,99"
    job = shop.job(rows)
    with pytest.raises(Interrupted, match="stopped before the end; then resume with") as caught:
        shop.carry_out(job)
    assert caught.value.exit_code == 128 + 15
    first = shop.embedded()
    # Every embedded text is written.
    assert {d["title"] for d in shop.stored().values()} == set(first)
    assert len(first) < 1_300
    shop.resume()
    assert not set(first) & set(shop.embedded())
    assert len(shop.stored()) == 1_300 - len(bad)
    assert sorted(letter["id"] for letter in shop.dead_letters) == ["P100", "P1200", "P700"]


def test_letters_written_before_a_crash_are_not_doubled(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies between the dead letters and the ledger."""
    shop = open_shop()
    rows = products(700)
    for number in (300, 600, 650):
        rows[number]["price"] = "12,99"
    finish = Ledger.finish_slice
    died: list[Any] = []

    def dies(ledger: Ledger, result: Any, **facts: Any) -> None:
        if result.key.number == 1 and not died:
            died.append(result.key)
            raise KeyboardInterrupt
        finish(ledger, result, **facts)

    monkeypatch.setattr(Ledger, "finish_slice", dies)
    with pytest.raises(KeyboardInterrupt):
        shop.load(rows)
    assert died
    assert shop.dead_letters
    shop.resume()
    assert sorted(letter["id"] for letter in shop.dead_letters) == ["P300", "P600", "P650"]


def test_an_old_damaged_ledger_does_not_end_a_load(
    open_shop: OpenShop, caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    folder = shop.settings.ingest.ledger_dir
    folder.mkdir()
    (folder / "old-20260101T000000.000Z.sqlite").write_bytes(b"damaged" * 100)
    shop.load(products(3))
    assert "not a ledger of a load" in caplog.text


def test_two_at_once(open_shop: OpenShop) -> None:
    def load_another(_request: dict[str, Any], number: int) -> None:
        if number == 3:
            with pytest.raises(IndexStateError, match=r"locked by process \d+ since 20"):
                LoadJob(
                    settings=shop.settings,
                    sources=[Source("none", "csv")],
                    mapping={},
                    dead_letters=Path("none"),
                ).run(say=print, on_progress=print)
            refused.append(number)

    refused: list[int] = []
    shop = open_shop(fault=load_another)
    shop.load(products(50))
    assert refused == [3]


def test_settings_of_the_command_are_not_needed_twice(broken: Shop) -> None:
    """Index and flags come from the ledger, not from the current settings."""
    broken.settings = Settings(**dict(broken.settings) | {"index": {"name": "another"}})
    ledger = find_load(broken.settings.ingest.ledger_dir, None)
    job = LoadJob.resumed(broken.settings, ledger)
    assert job.index != "another"
    assert broken.carry_out(job).ended > 0
