"""Search templates. The embedded node cannot render them, so a stand-in does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from es_hybrid.node import EmbeddedNode
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.live import JSON, LEAF, LINES, RRF, ids, msearch_lines, search
from tests.serve.running import ask, serving

STORED: dict[str, Any] = {
    "hybrid": {"retriever": RRF, "size": 2},
    "lexical": {"query": {"match": {"title": "{{q}}"}}},
    "large": {"retriever": RRF, "stats": ["x" * 200_000]},
}


class Renderer(HttpServer):
    """Renders templates by replacing `{{name}}`; passes all else to the node."""

    def __init__(self, node: EmbeddedNode) -> None:
        super().__init__()
        self._node = node
        self.forget()

    def forget(self) -> None:
        super().forget()
        self.script = self._answer

    def _answer(self, seen: Request) -> Answer:
        if seen.path == "/_render/template":
            return self._rendered(json.loads(seen.body))
        if seen.path.endswith("/template"):
            theirs = {"theirs": True, "status": 200}
            return json_answer(200, {**theirs, "responses": [theirs]})
        got = ask(
            self._node.url,
            seen.target,
            method=seen.method,
            body=seen.body,
            headers={"Content-Type": seen.header("Content-Type") or JSON["Content-Type"]},
        )
        return Answer(got.status, got.body, JSON)

    def _rendered(self, asked: dict[str, Any]) -> Answer:
        source = STORED.get(asked["id"]) if "id" in asked else asked["source"]
        if source is None:
            error = {"type": "resource_not_found_exception", "reason": "no template"}
            return json_answer(404, {"error": error, "status": 404})
        text = source if isinstance(source, str) else json.dumps(source)
        for name, value in asked.get("params", {}).items():
            text = text.replace("{{" + name + "}}", str(value))
        return json_answer(200, {"template_output": json.loads(text)})


@pytest.fixture(scope="module")
def stack(node: EmbeddedNode) -> Iterator[tuple[Renderer, str]]:
    with (
        Renderer(node) as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), reranker=FakeReranker()) as url,
    ):
        yield upstream, url


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "template",
    [
        {"id": "hybrid"},
        {"source": {"retriever": RRF, "size": "{{n}}"}, "params": {"n": 2}},
        {"source": json.dumps({"retriever": RRF, "size": 2})},
        {"source": '{"query":{{q}},"knn":{{k}},"rank":{"rrf":{}},"size":2}',
         "params": {"q": '{"match":{"title":"red"}}',
                    "k": '{"field":"embedding","query_vector":%s,"k":3}' % ([1.0] * 64)}},
    ],
    ids=["stored", "object", "text", "rank"],
)  # fmt: skip
def test_a_template_is_rendered_and_answered(
    products: str, upstream: HttpServer, url: str, template: dict[str, Any], method: str
) -> None:
    got = ask(url, f"/{products}/_search/template", method=method, body=template)
    assert got.status == 200
    assert len(ids(got.json())) == 2
    first, *rest = [seen.path for seen in upstream.seen]
    assert first == "/_render/template"
    assert not any("template" in path for path in rest)
    if template == {"id": "hybrid"}:
        assert got.json()["hits"] == search(url, products, STORED["hybrid"]).json()["hits"]


def test_flags_of_the_request_replace_those_of_the_template(products: str, url: str) -> None:
    explained = {"source": {"retriever": RRF, "explain": True, "profile": True}}

    def shown(template: dict[str, Any], query: str = "") -> tuple[bool, bool, int]:
        target = f"/{products}/_search/template{query}"
        answer = ask(url, target, method="POST", body=template).json()
        hits = answer["hits"]["hits"]
        return "_explanation" in hits[0], "profile" in answer, len(hits)

    assert shown(explained) == (False, False, 3)
    assert shown({**explained, "explain": True, "profile": "true"}) == (True, True, 3)
    assert shown(explained, "?explain=true&size=1") == (True, False, 3)


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ({"source": {"query": {"match": {"title": "{{q}}"}}}, "params": {"q": "red"}}, False),
        ({"id": "lexical", "params": {"q": "red"}}, True),
        ({"id": "unknown"}, True),
        ({"id": "large"}, True),
        ({"id": "hybrid", "zzz": 1}, False),
        ({"retriever": RRF}, False),
        ("no template", False),
    ],
    ids=["source", "stored", "unknown", "large", "unknown key", "a search", "no object"],
)
def test_all_others_pass_through_untouched(
    products: str, upstream: HttpServer, url: str, template: Any, rendered: bool
) -> None:
    target = f"/{products}/_search/template?size=3"
    body = b" " + json.dumps(template).encode()
    got = ask(url, target, method="POST", body=body, headers=JSON)
    assert got.json()["theirs"]
    *before, last = upstream.seen
    assert (last.target, last.body) == (target, body)
    assert [seen.path for seen in before] == ["/_render/template"] * rendered


def test_templates_in_a_multi_search(products: str, upstream: HttpServer, url: str) -> None:
    lexical: dict[str, Any] = {"source": {"query": {"match_all": {}}}}
    lines = msearch_lines(
        {}, {"id": "hybrid"}, {"index": products}, {"source": {"retriever": LEAF}},
        {"index": products}, {"source": {"retriever": RRF, "size": 1}},
    )  # fmt: skip
    target = f"/{products}/_msearch/template"
    got = ask(url, target, method="POST", body=lines, headers=LINES).json()
    first, theirs, last = got["responses"]
    assert (len(ids(first)), first["status"]) == (2, 200)
    assert theirs == {"theirs": True, "status": 200}
    assert (len(ids(last)), last["status"]) == (1, 200)
    (sent,) = [seen for seen in upstream.seen if seen.path == target]
    header, body, named, nothing = sent.body.splitlines()
    assert json.loads(body) == {"source": {"retriever": LEAF}}
    # Elasticsearch sees the name in the header, see `Searches`.
    assert json.loads(named) == json.loads(header) == {"index": products}
    assert json.loads(nothing) == {"source": {"size": 0, "query": {"match_none": {}}}}
    for untouched in (msearch_lines({}, lexical), msearch_lines(*[{}, {"id": "hybrid"}] * 101)):
        upstream.seen.clear()
        ask(url, "/_msearch/template", method="POST", body=untouched, headers=LINES)
        (sent,) = upstream.seen
        assert (sent.path, sent.body) == ("/_msearch/template", untouched)
