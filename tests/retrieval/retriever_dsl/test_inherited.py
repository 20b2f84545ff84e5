"""The filters that a vector leaf takes over from a query, compared with a model and the node."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.retrieval.field_types import FieldTypes, field_types
from es_hybrid.retrieval.retriever_dsl.inherited import inherited_filters
from tests.retrieval.live import DIMS, Searcher, vector_of

TYPES = FieldTypes(text=frozenset({"t"}), exact=frozenset({"a", "b", "sku", "n.a"}))
MATCH: dict[str, Any] = {"match": {"t": "red mug"}}
TERM: dict[str, Any] = {"term": {"a": 1}}
OTHER: dict[str, Any] = {"terms": {"b": [1, 2]}}
EITHER: dict[str, Any] = {"bool": {"should": [TERM, OTHER], "minimum_should_match": 1}}
SKU: dict[str, Any] = {"wildcard": {"sku": {"value": "*Red*"}}}


def _bool(**clauses: Any) -> dict[str, Any]:
    return {"bool": clauses}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, []),
        ({}, []),
        ({"bool": []}, []),
        (MATCH, []),
        (TERM, [TERM]),
        (_bool(must=[TERM], minimum_should_match=1), [TERM, {"match_none": {}}]),
        (_bool(filter=MATCH), [MATCH]),
        (_bool(filter=[TERM, OTHER]), [TERM, OTHER]),
        (_bool(must_not=TERM), [_bool(must_not=[TERM])]),
        (_bool(must=[MATCH, TERM]), [TERM]),
        (_bool(must=[_bool(filter=TERM), MATCH]), [TERM]),
        # The only clause of a `should` must match; next to a `must` none has to.
        (_bool(should=[_bool(must=MATCH, filter=TERM)]), [TERM]),
        (_bool(should=[TERM], must=MATCH), []),
        (_bool(should=[TERM], must=MATCH, minimum_should_match=1), [TERM]),
        (_bool(should=[TERM, OTHER]), [EITHER]),
        (_bool(should=[TERM, TERM]), [TERM]),
        (_bool(should=[TERM, MATCH]), []),
        (_bool(should=[TERM, OTHER, MATCH], minimum_should_match=2), [EITHER]),
        (_bool(should=[TERM, OTHER, MATCH], minimum_should_match=3), [TERM, OTHER]),
        (_bool(should=[TERM, OTHER], minimum_should_match="100%"), [TERM, OTHER]),
        ({"dis_max": {"queries": [_bool(filter=TERM), _bool(filter=OTHER)]}}, [EITHER]),
        ({"dis_max": {"queries": [_bool(filter=TERM), MATCH]}}, []),
        ({"function_score": {"query": _bool(filter=TERM)}}, [TERM]),
        ({"function_score": {"functions": [{"filter": TERM, "weight": 2}]}}, []),
        ({"script_score": {"query": _bool(filter=TERM)}}, [TERM]),
        ({"boosting": {"positive": _bool(filter=TERM), "negative": OTHER}}, [TERM]),
        ({"constant_score": {"filter": TERM}}, [TERM]),
        ({"constant_score": {"filter": MATCH}}, []),
        ({"pinned": {"ids": ["1"], "organic": _bool(must=[MATCH, TERM])}}, [TERM]),
        ({"nested": {"path": "n", "query": MATCH}}, []),
        (
            {"nested": {"path": "n", "query": {"term": {"n.a": 1}}, "inner_hits": {}}},
            [{"nested": {"path": "n", "query": {"term": {"n.a": 1}}}}],
        ),
        (
            _bool(filter={"nested": {"path": "n", "query": MATCH, "inner_hits": {}}}),
            [{"nested": {"path": "n", "query": MATCH}}],
        ),
        # Kinds of queries and of fields.
        ({"term": {"t": "mug"}}, []),
        ({"terms": {"t": ["mug"], "boost": 2}}, []),
        ({"range": {"t": {"gte": "a"}}}, [{"range": {"t": {"gte": "a"}}}]),
        ({"exists": {"field": "t"}}, [{"exists": {"field": "t"}}]),
        ({"match": {"a": "x"}}, [{"match": {"a": "x"}}]),
        ({"match": {"a": {"query": "Red  MUG"}}}, []),
        ({"match": {"a": {"query": "x", "fuzziness": "AUTO"}}}, []),
        ({"match": {"unknown": "x"}}, []),
        ({"multi_match": {"query": "x", "fields": ["a^2", "b"]}},
         [{"multi_match": {"query": "x", "fields": ["a^2", "b"]}}]),
        ({"multi_match": {"query": "x", "fields": ["a", "t"]}}, []),
        ({"multi_match": {"query": "x", "fields": ["a", "*"]}}, []),
        ({"multi_match": {"query": "x"}}, []),
        ({"multi_match": {"query": "x", "fields": ["a"], "type": "bool_prefix"}}, []),
        ({"prefix": {"a": "kitchen/"}}, [{"prefix": {"a": "kitchen/"}}]),
        ({"prefix": {"t": "kitch"}}, []),
        (SKU, []),
        (_bool(should=[SKU, MATCH]), []),
        ({"fuzzy": {"a": "x"}}, []),
        ({"query_string": {"query": "a:1", "fields": ["a"]}}, []),
        ({"ids": {"values": ["1"]}}, [{"ids": {"values": ["1"]}}]),
        ({"match_all": {}}, []),
        ({"match_none": {}}, []),
    ],
)  # fmt: skip
def test_what_every_hit_satisfies(query: Any, expected: list[Any]) -> None:
    assert inherited_filters(query, TYPES, text="red mug") == expected


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (MATCH, []),
        (_bool(must=[MATCH, TERM]), [TERM]),
        (_bool(should=[MATCH, TERM]), []),
        (_bool(should=[{"match": {"t": "cup"}}, TERM], must=MATCH, minimum_should_match=2),
         [{"match": {"t": "cup"}}, TERM]),
        ({"constant_score": {"filter": MATCH}}, []),
        ({"dis_max": {"queries": [MATCH, TERM]}}, []),
        ({"nested": {"path": "n", "query": _bool(must=[MATCH, TERM])}},
         [{"nested": {"path": "n", "query": TERM}}]),
        ({"match": {"t": "cup"}}, [{"match": {"t": "cup"}}]),
        ({"query_string": {"query": "red mug"}}, []),
        # A value that was chosen may be what was typed.
        ({"term": {"a": "Red mug"}}, [{"term": {"a": "Red mug"}}]),
        ({"match": {"a": "red mug"}}, [{"match": {"a": "red mug"}}]),
        (_bool(should=[{"term": {"a": "red mug"}}]), [{"term": {"a": "red mug"}}]),
        (_bool(must_not=MATCH), [_bool(must_not=[MATCH])]),
    ],
)  # fmt: skip
def test_a_searched_text_is_no_condition_inside_a_filter(clause: Any, expected: list[Any]) -> None:
    query = _bool(filter=[clause, OTHER])
    assert inherited_filters(query, TYPES, searched=["Red mug"]) == [*expected, OTHER]
    # Declared, it is one.
    assert inherited_filters(query, TYPES, text="red mug")[0] == clause


Document = dict[str, Any]
WORDS = ("red", "blue", "mug", "cup")


def _documents(rng: random.Random) -> dict[str, Document]:
    return {
        str(number): {
            "title": rng.sample(WORDS, 2),
            "brand": rng.choice("abc"),
            **({"stock": rng.randint(0, 4)} if rng.random() < 0.8 else {}),
            "tags": [
                {"name": rng.choice("xyz"), "level": rng.randint(0, 2)}
                for _ in range(rng.randint(0, 2))
            ],
            "embedding": vector_of(str(number)),
        }
        for number in range(60)
    }


MAPPING: dict[str, Any] = {
    "properties": {
        "title": {"type": "text"},
        "brand": {"type": "keyword"},
        "stock": {"type": "integer"},
        "tags": {
            "type": "nested",
            "properties": {"name": {"type": "keyword"}, "level": {"type": "integer"}},
        },
        "embedding": {"type": "dense_vector", "dims": DIMS, "similarity": "cosine",
                      "index_options": {"type": "hnsw"}},
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def documents(es: Elasticsearch) -> Iterator[dict[str, Document]]:
    documents = _documents(random.Random(3))
    es.indices.create(index="test-inherited", mappings=MAPPING)
    bulk(es, ({"_index": "test-inherited", "_id": i, **d} for i, d in documents.items()))
    es.indices.refresh(index="test-inherited")
    yield documents
    es.indices.delete(index="test-inherited")


def _leaf(rng: random.Random) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"match": {"title": rng.choice(WORDS)}},
        {"match": {"title": rng.choice(WORDS)}},
        {"term": {"title": rng.choice(WORDS)}},
        {"term": {"brand": rng.choice("abc")}},
        {"match": {"brand": rng.choice("abc")}},
        {"terms": {"brand": rng.sample("abcd", 2)}},
        {"range": {"stock": {"gte": rng.randint(0, 4)}}},
        {"exists": {"field": "stock"}},
        {"ids": {"values": [str(rng.randrange(60)) for _ in range(20)]}},
        {"match_all": {}},
    ]
    return rng.choice(kinds)


def _inside_nested(rng: random.Random) -> dict[str, Any]:
    name = {"term": {"tags.name": rng.choice("xyz")}}
    level = {"range": {"tags.level": {"gte": rng.randint(0, 2)}}}
    inside = rng.choice([name, _bool(must=[name, level]), _bool(should=[name, level])])
    return {"nested": {"path": "tags", "query": inside}}


def _tree(rng: random.Random, depth: int) -> dict[str, Any]:
    if depth == 0 or rng.random() < 0.2:
        return _inside_nested(rng) if rng.random() < 0.15 else _leaf(rng)
    below = [_tree(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    match rng.choice(["bool"] * 6 + ["dis_max", "function", "boosting", "constant"]):
        case "dis_max":
            return {"dis_max": {"queries": below}}
        case "function":
            return {"function_score": {"query": below[0], "functions": [{"weight": 2}]}}
        case "boosting":
            boosting = {"positive": below[0], "negative": below[-1], "negative_boost": 0.5}
            return {"boosting": boosting}
        case "constant":
            return {"constant_score": {"filter": below[0]}}
    clauses: dict[str, Any] = {}
    for clause in below:
        clauses.setdefault(rng.choice(["must", "should", "should", "filter"]), []).append(clause)
    if rng.random() < 0.3:
        clauses["must_not"] = [_leaf(rng)]
    if rng.random() < 0.5:
        clauses["minimum_should_match"] = rng.choice([0, 1, 2, -1, "50%", "1<2"])
    return _bool(**clauses)


def _may_match(query: Any, document: Document, id_: str, declared: bool = False) -> bool:
    """Whether a document matches if every full text of clauses that score does."""
    (kind, content), = query.items()  # fmt: skip
    match kind:
        case "match" | "term":
            (field, value), = content.items()  # fmt: skip
            if field == "title" and not declared:
                return True
            return bool(value in document[field])
        case "terms":
            return document["brand"] in content["brand"]
        case "range":
            least = content["stock"]["gte"]
            return "stock" in document and bool(document["stock"] >= least)
        case "exists":
            return "stock" in document
        case "ids":
            return id_ in content["values"]
        case "match_all":
            return True
        case "nested":
            return any(_tag_matches(content["query"], tag) for tag in document["tags"])
        case "dis_max":
            return any(_may_match(q, document, id_, declared) for q in content["queries"])
        case "bool":
            return _bool_may_match(content, document, id_, declared)
    wrapped = {"boosting": "positive", "constant_score": "filter"}.get(kind, "query")
    return _may_match(content[wrapped], document, id_, declared)


def _bool_may_match(content: dict[str, Any], document: Document, id_: str, declared: bool) -> bool:
    def met(name: str, declared: bool) -> list[bool]:
        return [_may_match(q, document, id_, declared) for q in content.get(name, ())]

    should = met("should", declared)
    least = content.get("minimum_should_match", 0)
    if least == "50%":
        least = len(should) // 2
    elif least == "1<2":
        least = len(should) if len(should) <= 1 else 2
    elif least < 0:
        least = max(0, len(should) - 1)
    if should and not (content.get("must") or content.get("filter")):
        least = max(1, least)
    required = met("must", declared) + met("filter", True)
    return all(required) and not any(met("must_not", True)) and sum(should) >= least


def _tag_matches(query: Any, tag: dict[str, Any]) -> bool:
    (kind, content), = query.items()  # fmt: skip
    if kind == "term":
        return bool(tag["name"] == content["tags.name"])
    if kind == "range":
        return bool(tag["level"] >= content["tags.level"]["gte"])
    every = [_tag_matches(each, tag) for each in content.get("must", content.get("should"))]
    return all(every) if "must" in content else any(every)


def test_random_trees_keep_every_hit_and_exclude_all_that_they_can(
    es: Elasticsearch, documents: dict[str, Document]
) -> None:
    """The conditions hold for every hit, and for nothing that no full text could make one."""
    rng, types = random.Random(11), field_types([MAPPING])
    trees = [_tree(rng, rng.randint(1, 4)) for _ in range(300)]
    filters = [inherited_filters(tree, types, text="other words") for tree in trees]
    assert sum(map(bool, filters)) > 100
    queries = [q for tree, f in zip(trees, filters, strict=True) for q in (tree, _bool(filter=f))]
    searches = [part for q in queries for part in ({}, {"query": q, "size": 60, "_source": False})]
    answers = es.msearch(index="test-inherited", searches=searches)["responses"]
    found = [{hit["_id"] for hit in answer["hits"]["hits"]} for answer in answers]
    for tree, hits, allowed in zip(trees, found[::2], found[1::2], strict=True):
        assert hits <= allowed, tree
        assert allowed == {i for i, d in documents.items() if _may_match(tree, d, i)}, tree


def test_no_hit_of_a_hybrid_answer_violates_the_conditions_of_its_query(
    es: Elasticsearch, documents: dict[str, Document]
) -> None:
    rng, searcher = random.Random(12), Searcher(es, "test-inherited")
    beyond = 0
    for _ in range(50):
        tree = _tree(rng, rng.randint(1, 3))
        ext = {"es_hybrid": {"text": "other words", "window": 60}}
        found = searcher.answer({"query": tree, "size": 60, "_source": False, "ext": ext})
        plain = es.search(index="test-inherited", query=tree, size=60, source=False)
        ids = {hit["_id"] for hit in found.hits}
        lexical = {hit["_id"] for hit in plain["hits"]["hits"]}
        assert lexical <= ids, tree
        assert all(_may_match(tree, documents[id_], id_) for id_ in ids), tree
        beyond += len(ids - lexical)
    assert beyond > 100  # the vector leaf did take part
