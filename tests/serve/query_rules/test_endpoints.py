"""`client.query_rules.*` as in Elasticsearch's own yaml tests of query rules, on a real cluster."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from es_hybrid.retrieval.query_rules import INDEX
from tests.serve.running import ask

COUNTER = itertools.count()


def rule(id_: str | None, value: str, *ids: str, **more: Any) -> dict[str, Any]:
    """A rule that pins documents for a query string."""
    criteria = [{"type": "exact", "metadata": "query_string", "values": [value]}]
    named = {} if id_ is None else {"rule_id": id_}
    return {**named, "type": "pinned", "criteria": criteria, "actions": {"ids": [*ids]}, **more}


ELASTIC = rule("query-rule-id1", "elastic", "id1", "id2")
KIBANA = rule("query-rule-id2", "kibana", "id3", "id4")
LOGSTASH = rule("query-rule-id3", "logstash", "id5", "id6")
BEATS = rule("query-rule-id4", "beats", "id7", "id8")


@pytest.fixture
def client(served: str, es: Elasticsearch) -> Iterator[Elasticsearch]:
    """The official client, and no set at all."""
    es.indices.delete(index=INDEX, ignore_unavailable=True)
    with Elasticsearch(served, max_retries=0) as client:
        yield client
    es.indices.delete(index=INDEX, ignore_unavailable=True)


def put(client: Elasticsearch, name: str, *rules: dict[str, Any]) -> str:
    """Creates or replaces a set."""
    result: str = client.query_rules.put_ruleset(ruleset_id=name, rules=[*rules])["result"]
    return result


def get(client: Elasticsearch, name: str) -> list[dict[str, Any]]:
    """The rules of a set."""
    answer = client.query_rules.get_ruleset(ruleset_id=name)
    assert answer["ruleset_id"] == name
    rules: list[dict[str, Any]] = answer["rules"]
    return rules


def put_rule(client: Elasticsearch, name: str, rule: dict[str, Any]) -> str:
    """Creates or replaces a rule of a set."""
    result: str = client.query_rules.put_rule(
        ruleset_id=name,
        rule_id=rule["rule_id"],
        body={key: value for key, value in rule.items() if key != "rule_id"},
    )["result"]
    return result


# 5_query_rulesets_before_setup.yml


def test_before_the_first_set_there_are_none(client: Elasticsearch) -> None:
    for call in (client.query_rules.get_ruleset, client.query_rules.delete_ruleset):
        with pytest.raises(NotFoundError) as missing:
            call(ruleset_id="test-i-dont-exist")
        assert missing.value.body == {
            "error": {
                "root_cause": [
                    {"type": "resource_not_found_exception", "reason": "test-i-dont-exist"}
                ],
                "type": "resource_not_found_exception",
                "reason": "test-i-dont-exist",
            },
            "status": 404,
        }
    assert client.query_rules.list_rulesets().body == {"count": 0, "results": []}


# 10_query_ruleset_put.yml


def test_a_set_is_created_and_read(client: Elasticsearch) -> None:
    documents = [
        {"_index": "test-index1", "_id": "id3"},
        {"_index": "test-index2", "_id": "id4"},
    ]
    kibana = {**KIBANA, "actions": {"docs": documents}}
    created = client.query_rules.put_ruleset(ruleset_id="test-ruleset", rules=[ELASTIC, kibana])
    assert (created.meta.status, created.body) == (201, {"result": "created"})
    assert get(client, "test-ruleset") == [ELASTIC, kibana]


def test_an_existing_set_is_replaced_and_an_object_is_a_list_of_one(client: Elasticsearch) -> None:
    criterion = {"type": "exact", "metadata": "query_string", "values": "elastic"}
    one = {**rule("1", "elastic", "id1"), "criteria": criterion}
    path = "/_query_rules/test-query-ruleset-recreating"
    json = {"content-type": "application/json", "accept": "application/json"}
    for id_, status, result in (("id1", 201, "created"), ("id2", 200, "updated")):
        rules = {"rules": {**one, "actions": {"ids": [id_]}}}
        answer = client.perform_request("PUT", path, headers=json, body=rules)
        assert (answer.meta.status, answer.body) == (status, {"result": result})
    assert get(client, "test-query-ruleset-recreating") == [rule("1", "elastic", "id2")]


# 20_query_ruleset_list.yml


@pytest.fixture
def three(client: Elasticsearch) -> Elasticsearch:
    """A client of a cluster with three sets."""
    put(client, "test-query-ruleset-3", ELASTIC, KIBANA)
    put(client, "test-query-ruleset-1", ELASTIC, KIBANA, LOGSTASH)
    put(client, "test-query-ruleset-2", ELASTIC, KIBANA, LOGSTASH, BEATS)
    return client


def _listed(number: int, rules: int) -> dict[str, Any]:
    return {
        "ruleset_id": f"test-query-ruleset-{number}",
        "rule_total_count": rules,
        "rule_criteria_types_counts": {"exact": rules},
        "rule_type_counts": {"pinned": rules},
    }


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ({}, [_listed(1, 3), _listed(2, 4), _listed(3, 2)]),
        ({"from_": 1}, [_listed(2, 4), _listed(3, 2)]),
        ({"size": 2}, [_listed(1, 3), _listed(2, 4)]),
        ({"size": 0}, []),
    ],
)
def test_sets_are_listed_by_id(three: Elasticsearch, page: Any, shown: Any) -> None:
    assert three.query_rules.list_rulesets(**page).body == {"count": 3, "results": shown}


def test_deleted_sets_are_not_listed(three: Elasticsearch) -> None:
    for number in (1, 2, 3):
        three.query_rules.delete_ruleset(ruleset_id=f"test-query-ruleset-{number}")
    assert three.query_rules.list_rulesets().body == {"count": 0, "results": []}


def test_criteria_are_counted_by_type(three: Elasticsearch) -> None:
    def criteria(*listed: tuple[str, str, Any]) -> list[dict[str, Any]]:
        return [{"type": t, "metadata": m, "values": [v]} for t, m, v in listed]

    query = "query_string"
    put(
        three,
        "a-test-query-ruleset-with-lots-of-criteria",
        {**ELASTIC, "criteria": criteria(("exact", query, "puggles"), ("gt", "year", 2023))},
        {**KIBANA, "criteria": criteria(("exact", query, "pug"))},
        {**LOGSTASH, "criteria": criteria(("fuzzy", query, "puggles"))},
        {**BEATS, "criteria": [{"type": "always"}]},
        {
            **rule("5", "", "id9", "id10"),
            "criteria": criteria(("prefix", query, "pug"), ("suffix", query, "gle")),
        },
    )
    answer = three.query_rules.list_rulesets(from_=0, size=1)
    assert answer["count"] == 4
    (shown,) = answer["results"]
    assert shown["ruleset_id"] == "a-test-query-ruleset-with-lots-of-criteria"
    assert shown["rule_total_count"] == 5
    counted = [*shown["rule_criteria_types_counts"].items()]
    assert counted == [
        ("always", 1), ("exact", 2), ("fuzzy", 1), ("prefix", 1), ("suffix", 1), ("gt", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("from=-1", "Parameter [from] cannot be < 0"),
        ("size=-1", "Parameter [size] cannot be < 0"),
        ("size=x", "Failed to parse int parameter [size] with value [x]"),
        ("sort=a", "request [/_query_rules] contains unrecognized parameter: [sort]"),
    ],
)
def test_wrong_parameters_are_refused(three: Elasticsearch, query: str, reason: str) -> None:
    name, _, value = query.partition("=")
    with pytest.raises(BadRequestError) as refused:
        three.perform_request("GET", "/_query_rules", params={name: value}, headers=ACCEPT)
    assert refused.value.body["error"]["type"] == "illegal_argument_exception"
    assert refused.value.body["error"]["reason"] == reason


ACCEPT = {"accept": "application/json"}


# 30_query_ruleset_delete.yml


def test_a_set_is_deleted(client: Elasticsearch) -> None:
    put(client, "test-query-ruleset-to-delete", ELASTIC)
    deleted = client.query_rules.delete_ruleset(ruleset_id="test-query-ruleset-to-delete")
    assert deleted.body == {"acknowledged": True}
    with pytest.raises(NotFoundError):
        get(client, "test-query-ruleset-to-delete")
    with pytest.raises(NotFoundError):
        client.query_rules.delete_ruleset(ruleset_id="test-nonexistent-query-ruleset")


# 50_query_rule_put.yml


def test_rules_are_in_the_order_of_their_priority(client: Elasticsearch) -> None:
    kibana = {**KIBANA, "priority": 1}
    assert put(client, "test-ruleset", ELASTIC, kibana) == "created"
    assert get(client, "test-ruleset") == [kibana, ELASTIC]
    logstash = rule("query-rule-id3", "logstash", "id1", priority=2)
    assert put_rule(client, "test-ruleset", logstash) == "created"
    assert get(client, "test-ruleset") == [kibana, logstash, ELASTIC]
    last = rule("query-rule-id4", "search", "id2")
    assert put_rule(client, "test-ruleset", last) == "created"
    assert get(client, "test-ruleset") == [kibana, logstash, ELASTIC, last]


def test_a_rule_is_created_with_its_set_and_replaced(client: Elasticsearch) -> None:
    name = "test-query-rule-recreating"
    assert put_rule(client, name, rule("abc", "elastic", "id1", priority=5)) == "created"
    replaced = rule("abc", "elastic", "id2", priority=3)
    assert put_rule(client, name, replaced) == "updated"
    assert client.query_rules.get_rule(ruleset_id=name, rule_id="abc").body == replaced


def test_names_with_any_character_are_kept_apart(client: Elasticsearch) -> None:
    names = ["a/b", "a b", "a%2Fb", "ä", "_test", "a+b"]
    for name in names:
        put_rule(client, name, rule(f"{name}/1", "elastic", name))
    for name in names:
        assert get(client, name) == [rule(f"{name}/1", "elastic", name)]
        found = client.query_rules.get_rule(ruleset_id=name, rule_id=f"{name}/1")
        assert found["actions"] == {"ids": [name]}
    assert client.query_rules.list_rulesets()["count"] == len(names)


def test_rules_written_at_the_same_time_are_all_there(client: Elasticsearch) -> None:
    rules = [rule(str(number), "elastic", "id1") for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda each: put_rule(client, "busy", each), rules)) == {"created"}
    assert sorted(each["rule_id"] for each in get(client, "busy")) == [*map(str, range(8))]


# 55_numeric_validation.yml


@pytest.mark.parametrize("values", [["100"], ["50.5", "-1e3"], [100]])
def test_numbers_are_compared_with_numbers(client: Elasticsearch, values: list[Any]) -> None:
    criteria = [
        {"type": "lte", "metadata": "price", "values": values},
        {"type": "exact", "metadata": "category", "values": ["electronics"]},
    ]
    assert put(client, "numeric", {**ELASTIC, "criteria": criteria}) == "created"


@pytest.mark.parametrize("values", [["not_a_number"], ["100", "not_a_number"]])
def test_and_with_nothing_else(client: Elasticsearch, values: list[Any]) -> None:
    criteria = [{"type": "lte", "metadata": "price", "values": values}]
    with pytest.raises(BadRequestError) as refused:
        put(client, "invalid", {**ELASTIC, "criteria": criteria})
    error = refused.value.body["error"]
    assert error["type"] == "x_content_parse_exception"
    assert error["reason"] == "[query_ruleset] failed to parse field [rules]"
    cause = error["caused_by"]
    assert cause["reason"] == "Failed to build [query_rule] after last required field arrived"
    assert cause["caused_by"] == {
        "type": "illegal_argument_exception",
        "reason": "Input [not_a_number] is not valid for CriteriaType [lte]",
    }


# 60_query_rule_delete.yml


def test_a_set_is_deleted_with_its_last_rule(client: Elasticsearch) -> None:
    put(client, "test-query-ruleset", ELASTIC, KIBANA)

    def delete(id_: str) -> Any:
        return client.query_rules.delete_rule(ruleset_id="test-query-ruleset", rule_id=id_).body

    with pytest.raises(NotFoundError) as missing:
        delete("nonexistent-rule")
    reason = "rule id nonexistent-rule not found in ruleset test-query-ruleset"
    assert missing.value.body["error"]["reason"] == reason
    assert delete("query-rule-id1") == {"acknowledged": True}
    with pytest.raises(NotFoundError):
        client.query_rules.get_rule(ruleset_id="test-query-ruleset", rule_id="query-rule-id1")
    assert get(client, "test-query-ruleset") == [KIBANA]
    assert delete("query-rule-id2") == {"acknowledged": True}
    for missing_now in (get, lambda *_: delete("query-rule-id2")):
        with pytest.raises(NotFoundError) as gone:
            missing_now(client, "test-query-ruleset")
        assert gone.value.body["error"]["reason"] == "test-query-ruleset"


# 70_query_rule_test.yml


@pytest.fixture
def five(client: Elasticsearch) -> Elasticsearch:
    contains = {"type": "contains", "metadata": "query_string", "values": ["kibana", "logstash"]}
    put(
        client,
        "test-ruleset",
        rule("rule1", "search", "doc1"),
        {**rule("rule2", "ui"), "actions": {"docs": [{"_index": "test-index1", "_id": "doc2"}]}},
        {**rule("rule3", "", "doc2", "doc3"), "criteria": [contains]},
        rule("rule4", "ops", "doc7"),
        {**rule("rule5", "search", "doc8"), "type": "exclude"},
    )
    return client


@pytest.mark.parametrize(
    ("words", "matched"),
    [
        ("search", ["rule1", "rule5"]),
        ("ui", ["rule2"]),
        ("no-match", []),
        ("logstash", ["rule3"]),
    ],
)
def test_a_set_is_tested(five: Elasticsearch, words: str, matched: list[str]) -> None:
    facts = {"query_string": words}
    answer = five.query_rules.test(ruleset_id="test-ruleset", match_criteria=facts)
    assert answer.body == {
        "total_matched_rules": len(matched),
        "matched_rules": [{"ruleset_id": "test-ruleset", "rule_id": id_} for id_ in matched],
    }


@pytest.mark.parametrize(("fact", "matched"), [(100, ["rule2"]), ("bar", ["rule1"]), ("baz", [])])
def test_texts_and_numbers_in_one_set(client: Elasticsearch, fact: Any, matched: Any) -> None:
    exact = {"type": "exact", "metadata": "foo", "values": ["bar"]}
    most = {"type": "lte", "metadata": "foo", "values": [100]}
    put(
        client,
        "combined-ruleset",
        {**rule("rule1", "", "doc1"), "criteria": [exact]},
        {**rule("rule2", "", "doc2"), "criteria": [most]},
    )
    answer = client.query_rules.test(ruleset_id="combined-ruleset", match_criteria={"foo": fact})
    assert [each["rule_id"] for each in answer["matched_rules"]] == matched


def test_a_test_without_a_set_or_facts_is_refused(served: str, client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError) as missing:
        client.query_rules.test(ruleset_id="nonexistent-ruleset", match_criteria={"foo": "bar"})
    assert missing.value.error == "resource_not_found_exception"
    path = "/_query_rules/nonexistent-ruleset/_test"
    for body, reason in (({}, "Required [match_criteria]"), (None, "request body is required")):
        got = ask(served, path, method="POST", body=body)
        assert (got.status, got.json()["error"]["reason"]) == (400, reason)


# Beyond the yaml tests.


def test_the_index_is_hidden(client: Elasticsearch, es: Elasticsearch) -> None:
    put(client, "test-ruleset", ELASTIC)
    assert INDEX not in es.indices.get(index="*")
    assert es.indices.get_settings(index=INDEX)[INDEX]["settings"]["index"]["hidden"] == "true"


def test_answers_have_the_form_that_is_asked_for(served: str, client: Elasticsearch) -> None:
    put(client, "test-ruleset", ELASTIC)
    asked = "/_query_rules/test-ruleset?filter_path=rules.rule_id&pretty"
    got = ask(served, asked, headers={"X-Opaque-Id": "me"})
    assert got.body.decode().splitlines()[0] == "{"
    assert got.json() == {"rules": [{"rule_id": "query-rule-id1"}]}
    assert got.headers["X-Opaque-Id"] == "me"
    assert got.headers["X-Elastic-Product"] == "Elasticsearch"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"rules: []", {"Content-Type": "application/yaml"}, 406),
        (b'{"rules":', {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b'{"rules":' + b"[" * 200 + b"]" * 200 + b"}", {"Content-Type": "application/json"}, 400),
        (b" " * ((1 << 20) + 1), {"Content-Type": "application/json"}, 413),
    ],
)
def test_other_bodies_are_refused(
    served: str, client: Elasticsearch, body: bytes, headers: dict[str, str], status: int
) -> None:
    got = ask(served, "/_query_rules/a", method="PUT", body=body, headers=headers)
    assert got.status == status
    assert {"type", "reason"} <= got.json()["error"].keys()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_methods_are_for_elasticsearch(served: str, es: Elasticsearch, method: str) -> None:
    got = ask(served, "/_query_rules/a", method=method)
    assert got.status in (400, 405)
    assert "_query_rules" in got.body.decode()


def test_an_error_of_the_cluster_is_passed_on(client: Elasticsearch) -> None:
    with pytest.raises(ApiError) as refused:
        put(client, "x" * 513, ELASTIC)
    assert (refused.value.meta.status, "too long" in str(refused.value)) == (400, True)
