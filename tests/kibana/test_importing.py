"""Imports over a real socket, into a server that answers as Kibana does."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from es_hybrid.errors import KibanaError
from es_hybrid.kibana import Imported, Kibana, saved_objects
from es_hybrid.settings import ElasticsearchSettings
from tests.fakes.http import Answer, HttpServer, Request, dead_url, json_answer
from tests.fakes.kibana import KibanaServer
from tests.kibana.test_objects import names

OBJECTS = saved_objects(names())
NOTHING = ElasticsearchSettings()


def import_into(
    url: str, settings: ElasticsearchSettings = NOTHING, space: str = "", count: int = 10
) -> Imported:
    server = Kibana(url, settings)
    try:
        return server.import_objects(OBJECTS[:count], space=space)
    finally:
        server.close()


def refused(
    url: str, *words: str, settings: ElasticsearchSettings = NOTHING, space: str = ""
) -> None:
    with pytest.raises(KibanaError) as caught:
        import_into(url, settings, space)
    for word in (url, *words):
        assert word in str(caught.value)
    assert caught.value.remedy


def test_imports_everything_and_replaces_it() -> None:
    with KibanaServer() as kibana:
        first = import_into(kibana.url)
        second = import_into(kibana.url)
    assert first == second
    assert first.version == "9.5.3"
    assert first.refused == ()
    assert ("dashboard", "es-hybrid: search") in first.objects
    assert len(kibana.objects["default"]) == len(first.objects) == len(OBJECTS)
    assert [request.header("kbn-xsrf") for request in kibana.seen] == ["es-hybrid"] * 4


def test_into_a_space_and_below_a_base_path() -> None:
    with KibanaServer() as kibana:
        import_into(f"{kibana.url}/", space="shop")
        assert len(kibana.objects["shop"]) == len(OBJECTS)
        assert kibana.objects["default"] == set()
        refused(kibana.url, "404", "[space/no such] not found", "the space", space="no such")


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"api_key": "aWQ6a2V5a2V5"}, "ApiKey aWQ6a2V5a2V5"),
        (
            {"username": "elastic", "password": "a long word"},
            f"Basic {base64.b64encode(b'elastic:a long word').decode()}",
        ),
    ],
)
def test_credentials_are_those_of_elasticsearch(settings: dict[str, Any], header: str) -> None:
    with KibanaServer(authorization=header) as kibana:
        imported = import_into(kibana.url, ElasticsearchSettings(**settings))
        assert imported.refused == ()
        refused(kibana.url, "does not tell its version", "elasticsearch.api_key")


def test_refused_credentials() -> None:
    with HttpServer(
        lambda _: json_answer(401, {"statusCode": 401, "message": "[security_exception]"})
    ) as kibana:
        refused(kibana.url, "answered 401: [security_exception]", "elasticsearch.api_key")


def test_another_major_version_gets_nothing() -> None:
    with KibanaServer("8.19.2") as kibana:
        refused(kibana.url, "this is Kibana 8.19.2", "for Kibana 9")
        assert [request.method for request in kibana.seen] == ["GET"]


def test_the_fake_requires_the_header_as_kibana_does() -> None:
    import httpx2

    with KibanaServer() as kibana:
        answer = httpx2.post(f"{kibana.url}/api/saved_objects/_import?overwrite=true")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Request must contain a kbn-xsrf header."


def test_each_refused_object_is_named_with_its_reason() -> None:
    with KibanaServer(conflicts=[("search", "es-hybrid-pairs")]) as kibana:
        imported = import_into(kibana.url)
        assert kibana.objects["default"] == set()
    ((kind, title, reason),) = imported.refused
    assert (kind, title) == ("search", "es-hybrid: pairs")
    assert reason.startswith("other objects have its id")


def test_a_missing_reference_is_named() -> None:
    with KibanaServer() as kibana, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.kibana.test_importing.OBJECTS", OBJECTS[3:])
        imported = import_into(kibana.url)
    assert ("search", "es-hybrid: products",
            "it refers to index-pattern es-hybrid-products, which this space does not have",
            ) in imported.refused  # fmt: skip


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"type": "unsupported_type"}, "this Kibana has no such objects"),
        ({"type": "ambiguous_conflict", "destinations": []}, "other objects have its id"),
        ({"type": "unknown", "message": "disk full", "statusCode": 500}, "disk full"),
    ],
)
def test_other_reasons(error: dict[str, Any], reason: str) -> None:
    def script(request: Request) -> Answer:
        if request.method == "GET":
            return json_answer(200, {"version": {"number": "9.0.0"}})
        failed = {"type": "dashboard", "id": "es-hybrid-loads", "meta": {}, "error": error}
        return json_answer(200, {"success": False, "successCount": 0, "errors": [failed]})

    with HttpServer(script) as kibana:
        ((kind, title, found),) = import_into(kibana.url).refused
    assert (kind, title) == ("dashboard", "es-hybrid: loads")
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (lambda _: Answer(503, b"Kibana server is not ready yet"), ("503", "not ready", "wait")),
        (lambda _: Answer(200, b"<html>"), ("answered 200",)),
        (lambda _: json_answer(200, {"cluster_name": "x"}), ("not Kibana",)),
        (lambda _: Answer(302, b"", {"Location": "https://elsewhere.example"}), ("answered 302",)),
    ],
)
def test_other_servers(script: Callable[[Request], Answer], words: tuple[str, ...]) -> None:
    with HttpServer(script) as server:
        refused(server.url, *words)
        assert len(server.seen) == 1


def test_an_unreachable_server_and_a_wrong_url() -> None:
    refused(dead_url(), "cannot be reached", "--url")
    refused("localhost:5601", "not an http address", "http://localhost:5601")


def test_a_server_with_its_own_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with KibanaServer() as kibana, HttpServer(kibana.script, tls=context) as server:
        assert import_into(server.url, ElasticsearchSettings(ca_certs=trusted)).refused == ()
        refused(server.url, "cannot be reached", "elasticsearch.ca_certs")
    trusted.write_text("nothing")
    with pytest.raises(KibanaError, match=r"ca\.pem: no certificate can be read"):
        import_into(server.url, ElasticsearchSettings(ca_certs=trusted))


def test_a_key_never_leaves_in_an_error() -> None:
    key = "c2VjcmV0OnZlcnlzZWNyZXQ="
    with (
        HttpServer(lambda _: json_answer(400, {"message": f"bad key {key}"})) as server,
        pytest.raises(KibanaError) as caught,
    ):
        import_into(server.url, ElasticsearchSettings(api_key=key))
    assert not re.search(key, str(caught.value))
