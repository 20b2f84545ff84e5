"""`rule` queries and retrievers as in Elasticsearch's own yaml tests, with the official client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from es_hybrid.retrieval.query_rules import INDEX
from tests.serve.live import ids

ONE, TWO, RETRIEVED = "test-rules-index1", "test-rules-index2", "test-rules-index3"
BOTH = f"{ONE},{TWO}"
TEXTS = [
    "elastic", "kibana", "logstash", "you know, for search", "beats", "siem", "observability",
    "elasticsearch",
]  # fmt: skip
MARKED = {
    "foo": "foo - pinned doc for foo",
    "bar": "bar - exclude doc for bar",
    "baz": "baz - no rule attached",
    "foo_no_rule": "text search result for foo with no rule attached",
    "bar_no_rule": "text search result for bar with no rule attached",
    "foo2": "foo2 - second pinned doc for foo",
}
FACTS = {"foo": "foo", "bar": "bar"}


def rule(
    id_: str, values: list[str], actions: Any, *, fact: str = "query_string", **more: Any
) -> dict[str, Any]:
    criteria = [{"type": "exact", "metadata": fact, "values": values, **more.pop("criterion", {})}]
    listed = {"ids": actions} if isinstance(actions[0], str) else {"docs": actions}
    return {"rule_id": id_, "type": "pinned", "criteria": criteria, "actions": listed, **more}


EXCLUDE = {"type": "exclude"}
DOC2, DOC8 = ({"_index": ONE, "_id": id_} for id_ in ("doc2", "doc8"))
RULESETS = {
    "test-ruleset": [
        rule("rule1", ["search"], ["doc1"]),
        rule("rule2", ["ui"], [DOC2]),
        rule("rule3", ["kibana", "logstash"], ["doc2", "doc3"], criterion={"type": "contains"}),
        rule("rule4", ["ops"], ["doc7"]),
        rule("rule5", ["search"], ["doc8"], **EXCLUDE),
    ],
    "another-test-ruleset": [rule("rule5", ["ops"], ["doc6"])],
    "alias-ruleset": [
        rule("rule1", ["bar"], [DOC8], fact="foo"),
        rule("rule2", ["baz"], [DOC8], fact="foo", **EXCLUDE),
    ],
    "double-jeopardy-ruleset": [
        rule("rule1", ["bar"], ["doc8"], fact="foo"),
        rule("rule2", ["bar"], ["doc8"], fact="foo", **EXCLUDE),
    ],
    "combined-ruleset": [
        rule("rule1", ["bar"], ["doc1"], fact="foo", criterion={"type": "fuzzy"}),
        rule("rule2", ["100"], ["doc2"], fact="foo", criterion={"type": "lte"}),
    ],
    "retriever-ruleset": [
        rule("foo", ["foo"], ["foo", "foo2"], fact="foo"),
        rule("bar", ["bar"], ["bar"], fact="bar", **EXCLUDE),
    ],
}


@pytest.fixture(scope="module")
def client(served: str, es: Elasticsearch) -> Iterator[Elasticsearch]:
    es.indices.delete(index=[ONE, TWO, RETRIEVED, INDEX], ignore_unavailable=True)
    documents = {
        ONE: {f"doc{number}": text for number, text in enumerate(TEXTS, 1)},
        TWO: {"another-doc": "you know, for search", "doc8": "elasticsearch"},
        RETRIEVED: MARKED,
    }
    for index, texts in documents.items():
        es.indices.create(index=index, settings={"number_of_shards": 1, "number_of_replicas": 0})
        for id_, text in texts.items():
            es.index(index=index, id=id_, document={"text": text})
        es.indices.refresh(index=index)
    with Elasticsearch(served, max_retries=0) as client:
        for name, rules in RULESETS.items():
            client.query_rules.put_ruleset(ruleset_id=name, rules=rules)
        yield client
    es.indices.delete(index=[ONE, TWO, RETRIEVED, INDEX])


def organic(words: str) -> dict[str, Any]:
    return {"query_string": {"default_field": "text", "query": words}}


def query(
    words: str, facts: Mapping[str, Any] | None = None, *rulesets: str, **more: Any
) -> dict[str, Any]:
    facts = {"query_string": words} if facts is None else facts
    sets = {"ruleset_ids": [*(rulesets or ("test-ruleset",))]}
    return {"rule": {"organic": organic(words), "match_criteria": facts, **sets, **more}}


# 40_rule_query_search.yml


@pytest.mark.parametrize(
    ("index", "asked", "total", "first"),
    [
        (ONE, query("search"), 2, ["doc1", "doc4"]),
        (BOTH, query("ui"), 1, ["doc2"]),
        (BOTH, query("beats"), 1, ["doc5"]),
        (BOTH, query("logstash"), 2, ["doc2", "doc3"]),
        (ONE, query("elastic and kibana are good for search"), 4, ["doc2", "doc3"]),
        (BOTH, query("blah blah blah", {"foo": "baz"}, "combined-ruleset"), 1, ["doc1"]),
        (TWO, query("elasticsearch", {"foo": "bar"}, "double-jeopardy-ruleset"), 0, []),
        (BOTH, query("no-such-word", {"foo": "bar"}, "alias-ruleset"), 1, ["doc8"]),
        (BOTH, query("elasticsearch", {"foo": "not-a-match"}, "alias-ruleset"), 2, ["doc8"]),
        # Sets one after the other.
        (ONE, query("ops", None, "test-ruleset", "another-test-ruleset"), 2, ["doc7", "doc6"]),
        (ONE, query("ops", None, "another-test-ruleset", "test-ruleset"), 2, ["doc6", "doc7"]),
    ],
)
def test_a_rule_query(
    client: Elasticsearch, index: str, asked: Any, total: int, first: list[str]
) -> None:
    answer = client.search(index=index, query=asked)
    assert answer["hits"]["total"]["value"] == total
    assert ids(answer)[: len(first)] == first


def test_the_index_of_a_document_counts(client: Elasticsearch) -> None:
    for fact, index in (("bar", ONE), ("baz", TWO)):
        words = "nothing" if fact == "bar" else "elasticsearch"
        answer = client.search(index=BOTH, query=query(words, {"foo": fact}, "alias-ruleset"))
        assert [(hit["_id"], hit["_index"]) for hit in answer["hits"]["hits"]] == [("doc8", index)]


@pytest.mark.parametrize(
    ("asked", "status", "kind", "reason"),
    [
        (
            query("search", {"foo": "bar"}, "nonexistent-ruleset"),
            404,
            "resource_not_found_exception",
            "query ruleset nonexistent-ruleset not found",
        ),
        (
            {"rule": {"organic": organic("a"), "match_criteria": {"foo": "bar"}}},
            400,
            "parsing_exception",
            "ruleset information not provided correctly",
        ),
        (
            query("search", {"foo": "bar"}, ruleset_id="test-ruleset"),
            400,
            "parsing_exception",
            "ruleset information not provided correctly",
        ),
        (
            {"rule": {"organic": organic("search"), "ruleset_ids": "test-ruleset"}},
            400,
            "parsing_exception",
            "Required [match_criteria]",
        ),
        (
            query("search", {}),
            400,
            "parsing_exception",
            "matchCriteria must not be null or empty",
        ),
        (
            query("search", None, *map(str, range(11))),
            400,
            "parsing_exception",
            "rulesetIds must not contain more than 10 rulesets",
        ),
        (query("search", None, ""), 400, "parsing_exception", "rulesetIds must not contain null"),
        (query("search", speed=1), 400, "parsing_exception", "[rule] unknown field [speed]"),
    ],
)
def test_a_malformed_rule_query(
    client: Elasticsearch, asked: Any, status: int, kind: str, reason: str
) -> None:
    with pytest.raises((BadRequestError, NotFoundError)) as refused:
        client.search(index=ONE, query=asked)
    assert (refused.value.meta.status, refused.value.error) == (status, kind)
    assert reason in str(refused.value.body)


# query-dsl-rule-query.md and the form of 8.x


def test_the_older_name_of_the_query(client: Elasticsearch) -> None:
    older = {
        "organic": organic("search"),
        "match_criteria": {"query_string": "search"},
        "ruleset_id": "test-ruleset",
    }
    assert ids(client.search(index=ONE, query={"rule_query": older})) == ["doc1", "doc4"]


def test_pinned_documents_score_what_elasticsearch_pins_them_with(client: Elasticsearch) -> None:
    plain = client.search(index=ONE, query=organic("logstash"))["hits"]["hits"][0]
    asked = query("logstash", {"query_string": "kibana logstash"}, boost=1, _name="mine")
    hits = client.search(index=ONE, query=asked)["hits"]["hits"]
    assert [(hit["_id"], hit["_score"]) for hit in hits] == [
        ("doc2", 1.7014124e38),
        ("doc3", 1.7014122e38),
    ]
    assert [hit["matched_queries"] for hit in hits] == [["mine"], ["mine"]]
    (unpinned,) = client.search(index=ONE, query=query("logstash", {"a": 1}))["hits"]["hits"]
    assert unpinned == plain


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"query": {"bool": {"must": [query("search")], "filter": organic("know")}}}, ["doc4"]),
        ({"query": {"dis_max": {"queries": [query("ui"), organic("beats")]}}}, ["doc2", "doc5"]),
        ({"query": {"match_all": {}}, "post_filter": query("search"), "sort": "_doc"},
         ["doc1", "doc4"]),
        ({"query": query("", {"query_string": "ops"}, "another-test-ruleset", organic=query("ui"))},
         ["doc6", "doc2"]),
        ({"query": {"bool": {"filter": query("search")}}, "rescore": {"query": {
            "rescore_query": query("ui", {"query_string": "ops"})}, "window_size": 10}},
         ["doc1", "doc4"]),
        ({"retriever": {"standard": {"query": query("search")}}}, ["doc1", "doc4"]),
        ({"retriever": {"rrf": {"retrievers": [{"standard": {"query": query("search")}},
                                               {"standard": {"query": query("ui")}}]}}},
         ["doc1", "doc2", "doc4"]),
        ({"retriever": {"standard": {"query": organic("search OR beats"),
                                     "filter": query("search")}}}, ["doc4"]),
    ],
)  # fmt: skip
def test_a_rule_query_in_other_places(
    client: Elasticsearch, body: dict[str, Any], found: list[str]
) -> None:
    assert ids(client.search(index=ONE, body=body)) == found


def test_a_rule_query_in_an_aggregation(client: Elasticsearch) -> None:
    aggs = {"promoted": {"filter": query("search")}}
    answer = client.search(index=ONE, size=0, aggs=aggs)
    assert answer["aggregations"]["promoted"]["doc_count"] == 2


def test_many_searches(client: Elasticsearch) -> None:
    searches: list[dict[str, Any]] = [
        {"index": ONE},
        {"query": query("search")},
        {},
        {"query": organic("beats")},
    ]
    searches += [{"index": ONE}, {"query": query("search", None, "none")}]
    answers = client.msearch(index=ONE, searches=searches)["responses"]
    assert [*map(ids, answers[:2])] == [["doc1", "doc4"], ["doc5"]]
    assert answers[2]["error"]["type"] == "resource_not_found_exception"


def test_a_field_called_rule_is_no_rule(client: Elasticsearch) -> None:
    assert ids(client.search(index=ONE, query={"match": {"rule": "search"}})) == []


# 80_query_rules_retriever.yml


def retriever(child: Any, **more: Any) -> dict[str, Any]:
    return {
        "rule": {
            "match_criteria": FACTS,
            "ruleset_ids": "retriever-ruleset",
            "retriever": child,
            **more,
        }
    }


def standard(words: str, **more: Any) -> dict[str, Any]:
    return {"standard": {"query": {"query_string": {"query": words}}, **more}}


RRF = {"rrf": {"retrievers": [standard("bar"), standard("baz")]}}


@pytest.mark.parametrize(
    ("asked", "total", "found"),
    [
        (retriever(standard("bar")), 3, ["foo", "foo2", "bar_no_rule"]),
        (retriever(standard("bar", sort=["_score"])), 3, ["foo", "foo2", "bar_no_rule"]),
        (retriever(RRF), 4, ["foo", "foo2", "bar_no_rule", "baz"]),
        ({"rrf": {"retrievers": [standard("baz"), retriever(standard("bar"))]}}, 4,
         ["foo", "baz", "foo2", "bar_no_rule"]),
    ],
)  # fmt: skip
def test_a_rule_retriever(client: Elasticsearch, asked: Any, total: int, found: list[str]) -> None:
    answer = client.search(index=RETRIEVED, retriever=asked)
    assert answer["hits"]["total"]["value"] == total
    assert set(ids(answer)) == set(found)
    assert ids(answer)[:2] == found[:2]


def test_a_page_of_a_rule_retriever(client: Elasticsearch) -> None:
    answer = client.search(index=RETRIEVED, retriever=retriever(RRF), size=1, from_=1)
    assert (answer["hits"]["total"]["value"], ids(answer)) == (4, ["foo2"])


def test_a_rule_retriever_sorts_by_score_only(client: Elasticsearch) -> None:
    asked = retriever(standard("bar", sort=[{"_id": "desc"}]))
    with pytest.raises(BadRequestError, match="retriever only supports sort by score"):
        client.search(index=RETRIEVED, retriever=asked)


# 81_query_rules_retriever_no_rulesets.yml


def test_a_rule_retriever_without_its_set(client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError, match="query ruleset abc not found"):
        client.search(index=RETRIEVED, retriever=retriever(standard("bar"), ruleset_ids="abc"))


# rule-retriever.md


def test_a_rule_retriever_under_a_reranker(client: Elasticsearch) -> None:
    asked = {
        "text_similarity_reranker": {
            "retriever": retriever(standard("bar")),
            "field": "text",
            "inference_text": "search result",
        }
    }
    assert set(ids(client.search(index=RETRIEVED, retriever=asked))) == {
        "foo", "foo2", "bar_no_rule",
    }  # fmt: skip


def test_a_rule_retriever_over_a_reranker(client: Elasticsearch) -> None:
    reranked = {
        "text_similarity_reranker": {
            "retriever": standard("bar baz"),
            "field": "text",
            "inference_text": "baz",
        }
    }
    answer = client.search(index=RETRIEVED, retriever=retriever(reranked), aggs=COUNT)
    assert ids(answer)[:2] == ["foo", "foo2"]
    assert "bar" not in ids(answer)
    assert answer["aggregations"]["all"]["value"] == answer["hits"]["total"]["value"]


COUNT = {"all": {"value_count": {"field": "text.keyword"}}}


def test_its_window_ends_the_hits(client: Elasticsearch) -> None:
    answer = client.search(
        index=RETRIEVED, retriever=retriever(standard("bar"), rank_window_size=2), size=2
    )
    assert ids(answer) == ["foo", "foo2"]
    with pytest.raises(BadRequestError) as refused:
        client.search(
            index=RETRIEVED, retriever=retriever(standard("bar"), rank_window_size=2), size=3
        )
    assert "[rule] requires [rank_window_size: 2]" in str(refused.value.body)


def test_a_filter_holds_for_the_hits_but_not_for_what_is_pinned(client: Elasticsearch) -> None:
    only = {"match": {"text": "exclude"}}
    answer = client.search(index=RETRIEVED, retriever=retriever(standard("bar"), filter=only))
    assert ids(answer) == ["foo", "foo2"]


def test_a_change_of_a_set_holds_at_once(client: Elasticsearch) -> None:
    name = "changing"
    for id_ in ("baz", "foo2"):
        rules = [rule("1", ["a"], [id_], fact="foo")]
        client.query_rules.put_ruleset(ruleset_id=name, rules=rules)
        changing = retriever(standard("bar"), ruleset_ids=[name], match_criteria={"foo": "a"})
        assert ids(client.search(index=RETRIEVED, retriever=changing))[0] == id_
    client.query_rules.delete_ruleset(ruleset_id=name)
