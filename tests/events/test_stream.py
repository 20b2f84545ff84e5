"""The template of the data stream, and a cluster that refuses events."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from es_hybrid.events.stream import EventStream, install_template, stream_template
from es_hybrid.settings import ElasticsearchSettings, Settings
from tests.events.conftest import FIELDS, Stream, fields_of, mapped_fields
from tests.fakes.elasticsearch import FaultyProxy, Forward, refusal
from tests.fakes.http import Answer

LINE = b'{"@timestamp":"2026-11-30T12:00:00.000Z"}'
REMEDY = "grant `manage_index_templates` on the cluster, and `create_doc` and `auto_configure`"


def _mapped(stream: Stream) -> frozenset[str]:
    mapping = stream.es.indices.get_mapping(index=stream.name)
    (backing,) = mapping.body.values()
    return frozenset(mapped_fields(backing["mappings"]["properties"]))


def _opened(stream: Stream, url: str) -> EventStream:
    return EventStream(
        Settings(elasticsearch=ElasticsearchSettings(url=url), events=stream.settings())
    )


def test_the_first_write_installs_the_template(stream: Stream, node: Any) -> None:
    opened = _opened(stream, node.url)
    assert opened.write([LINE, LINE]) == 2
    opened.close()
    assert _mapped(stream) == FIELDS
    (installed,) = stream.es.indices.get_index_template(name=stream.name)["index_templates"]
    template = installed["index_template"]
    assert template["index_patterns"] == [stream.name]
    assert template["template"]["lifecycle"]["data_retention"] == "30d"
    assert template["template"]["mappings"]["dynamic"] is False
    assert not install_template(stream.es, stream.settings(retention="7d"))


def test_a_later_version_replaces_the_template_and_a_stream_gets_its_fields(
    stream: Stream, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stream.settings()
    old = stream_template(settings)
    old["version"] = 0
    del old["template"]["mappings"]["properties"]["es_hybrid"]["properties"]["align"]
    stream.es.indices.put_index_template(name=stream.name, **old)
    stream.es.index(index=stream.name, document={"@timestamp": "2026-11-30"}, op_type="create")
    assert _mapped(stream) < FIELDS
    assert install_template(stream.es, settings)
    assert _mapped(stream) == FIELDS
    newer = {**stream_template(settings), "version": 7}
    stream.es.indices.put_index_template(name=stream.name, **newer)
    assert not install_template(stream.es, settings)


def test_an_event_that_is_refused_drops_no_other(stream: Stream, node: Any) -> None:
    opened = _opened(stream, node.url)
    assert opened.write([LINE, b'{"@timestamp":"no date"}', LINE]) == 2
    assert opened.write([LINE]) == 1
    opened.close()


def test_a_template_of_an_administrator_is_enough(stream: Stream, node: Any) -> None:
    install_template(stream.es, stream.settings())

    def forbids_templates(path: str, body: bytes, forward: Forward) -> Answer | None:
        return refusal(403) if "_index_template" in path else None

    with FaultyProxy(node.url, forbids_templates) as proxy:
        opened = _opened(stream, proxy.url)
        assert opened.write([LINE]) == 1
        opened.close()


@pytest.mark.parametrize("forbidden", ["_index_template", "_bulk"])
def test_without_a_privilege_events_are_off_after_one_warning(
    stream: Stream, node: Any, caplog: pytest.LogCaptureFixture, forbidden: str
) -> None:
    with FaultyProxy(
        node.url, lambda path, body, forward: refusal(403) if forbidden in path else None
    ) as proxy:
        opened = _opened(stream, proxy.url)
        assert [opened.write([LINE]) for _ in range(3)] == [0, 0, 0]
        opened.close()
        assert len(proxy.bulks) == 1
    (warning,) = [r for r in caplog.records if r.levelno >= logging.WARNING and "off" in r.msg]
    assert REMEDY in warning.getMessage()
    assert stream.name in warning.getMessage()
    # Without the template, a bulk request would have created an index that maps every field.
    assert not stream.es.indices.exists(index=stream.name)


def test_an_outage_is_reported_once_and_its_events_are_dropped(
    stream: Stream, node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    away = [True, True, False, True]
    with FaultyProxy(
        node.url,
        lambda path, body, forward: refusal(503) if "_bulk" in path and away.pop(0) else None,
    ) as proxy:
        opened = _opened(stream, proxy.url)
        assert [opened.write([LINE]) for _ in range(4)] == [0, 0, 1, 0]
        opened.close()
    reported = [record for record in caplog.records if "are dropped until" in record.msg]
    assert len(reported) == 2


def test_the_fields_of_an_event_are_compared_by_their_full_names() -> None:
    assert set(fields_of({"a": {"b": 1, "c": {"d": [1]}}, "e": 1})) == {"a.b", "a.c.d", "e"}
    assert "es_hybrid.search.legs.bm25" in FIELDS
