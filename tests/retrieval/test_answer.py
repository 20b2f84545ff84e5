"""Search bodies in the retriever DSL: the effect of each parameter, in one request and in four."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import EmbeddingError, PassportMismatch, RequestRefused
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.needs import EmbedQuery
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.retriever_dsl.body import understood
from tests.retrieval.live import MAPPING, Row, Searcher, make_index, rows, vector_of

STANDARD: dict[str, Any] = {"standard": {"query": {"match": {"title": "red kettle"}}}}
BUILDER = {"text_embedding": {"model_id": "any", "model_text": "red kettle"}}
NEAR: dict[str, Any] = {
    "knn": {"field": "embedding", "query_vector_builder": BUILDER, "k": 20, "num_candidates": 400}
}
RRF: dict[str, Any] = {"rrf": {"retrievers": [STANDARD, NEAR], "rank_window_size": 30}}
# What is answered by the leaves' own hits, and what by a page request of its own.
PATHS: dict[str, dict[str, Any]] = {
    "one": {},
    "four": {"aggs": {"mean": {"avg": {"field": "price"}}}},
}


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PATHS[request.param]


def _ids(retrieved: Retrieved) -> list[str]:
    return [hit["_id"] for hit in retrieved.hits]


def test_the_page_says_what_is_shown_of_a_hit(
    searcher: Searcher, products: dict[str, Row], path: dict[str, Any]
) -> None:
    body = {
        "retriever": RRF, **path,
        "_source": ["title"], "fields": ["brand", {"field": "price"}], "docvalue_fields": ["stock"],
        "version": True, "seq_no_primary_term": True,
    }  # fmt: skip
    for hit in searcher.answer(body).hits:
        row = products[hit["_id"]]
        assert hit["_source"] == {"title": row["title"]}
        assert hit["fields"] == {
            "brand": [row["brand"]], "price": [row["price"]], "stock": [row["stock"]]
        }  # fmt: skip
        assert hit["_version"] == 1
        assert {"_seq_no", "_primary_term", "_index", "_score"} <= hit.keys()
        assert "sort" not in hit
    bare = searcher.answer({"retriever": RRF, **path, "stored_fields": "_none_"})
    assert all("_source" not in hit for hit in bare.hits)


def test_highlights_show_the_words_of_the_lexical_leaf(
    searcher: Searcher, products: dict[str, Row], path: dict[str, Any]
) -> None:
    body = {"retriever": RRF, **path, "size": 30, "highlight": {"fields": {"title": {}}}}
    found = searcher.answer(body)
    for hit in found.hits:
        words = {"red", "kettle"} & set(products[hit["_id"]]["title"].split())
        told = str(hit.get("highlight", {}))
        assert {word for word in ("red", "kettle") if f"<em>{word}</em>" in told} == words
    # Hits that only the vector leaf brought are among them, with and without a word.
    near = [hit for hit in found.hits if "standard" not in found.stages_of(hit)]
    assert {"highlight" in hit for hit in near} == {True, False}


def test_names_tell_which_retriever_and_which_clause_matched(
    searcher: Searcher, products: dict[str, Row], path: dict[str, Any]
) -> None:
    clause = {"match": {"title": {"query": "red", "_name": "is red"}}}
    retriever = {
        "rrf": {
            "_name": "fused",
            "rank_window_size": 30,
            "retrievers": [
                {"standard": {"query": clause, "_name": "words"}},
                {"knn": {**NEAR["knn"], "_name": "near"}},
            ],
        }
    }
    found = searcher.answer({"retriever": retriever, **path, "size": 30})
    for hit in found.hits:
        red = "red" in products[hit["_id"]]["title"].split()
        names = set(hit["matched_queries"])
        assert "fused" in names
        assert ("is red" in names) <= red
        assert ("near" in names) == ("near" in found.stages_of(hit))
    if path:  # the page's own request asks the clause of every hit
        assert all(
            ("is red" in hit["matched_queries"]) == ("red" in products[hit["_id"]]["title"].split())
            for hit in found.hits
        )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (True, ("eq", None)),
        (None, ("eq", None)),
        (False, None),
        (50, ("gte", 50)),
        (100_000, ("eq", None)),
        (0, ("gte", 0)),
    ],
)
def test_totals_are_counted_as_far_as_asked(
    searcher: Searcher, path: dict[str, Any], asked: Any, expected: tuple[str, int | None] | None
) -> None:
    whole = searcher.answer({"retriever": RRF, "track_total_hits": True}).total
    body = {"retriever": RRF, **path}
    if asked is not None:
        body["track_total_hits"] = asked
    total = searcher.answer(body).answer["hits"].get("total")
    if expected is None:
        assert total is None
    else:
        relation, value = expected
        assert total == {"value": whole if value is None else value, "relation": relation}


def test_explanations_tell_ranks_and_the_leaves_own_reasons(
    searcher: Searcher, path: dict[str, Any]
) -> None:
    """`test_random_trees.py` compares the texts of all retrievers."""
    native = searcher.es.search(
        index=searcher.index, query=STANDARD["standard"]["query"], explain=True, size=100
    )["hits"]["hits"]
    reasons = {hit["_id"]: hit["_explanation"] for hit in native}
    found = searcher.answer({"retriever": RRF, **path, "explain": True, "size": 30})
    for hit in found.hits:
        told = hit["_explanation"]
        ranks = found.stages_of(hit)
        assert told["value"] == hit["_score"]
        places = [ranks[leaf].rank if leaf in ranks else 0 for leaf in ("standard", "knn")]
        assert f"computed for initial ranks {places}" in told["description"]
        lexical, near = told["details"]
        assert lexical["details"] == ([reasons[hit["_id"]]] if places[0] else [])
        assert (lexical["value"], near["value"]) == tuple(places)
        assert list(hit)[:4] == ["_shard", "_node", "_index", "_id"]
        assert hit["_shard"] == f"[{searcher.index}][0]"


def test_names_are_part_of_explanations(searcher: Searcher, path: dict[str, Any]) -> None:
    words = {"standard": {**STANDARD["standard"], "_name": "words"}}
    near = {"knn": {**NEAR["knn"], "_name": "near"}}
    retriever = {"rrf": {"retrievers": [words, near], "rank_window_size": 30}}
    body = {"retriever": retriever, **path, "explain": True, "size": 30}
    for hit in searcher.answer(body).hits:
        lexical, vector = (each["description"] for each in hit["_explanation"]["details"])
        assert "in query at index [0] [words]" in lexical
        assert "in query at index [1] [near]" in vector


def test_a_ranking_is_explained_as_elasticsearch_explains_its_own(searcher: Searcher) -> None:
    """The compound retriever of every licence, run by the cluster and here."""
    rescore = {"window_size": 15, "query": {"rescore_query": {"match": {"title": "lamp"}}}}
    inner = {"rescorer": {"retriever": STANDARD, "rescore": rescore, "_name": "inner"}}
    body = {
        "retriever": {"rescorer": {"retriever": inner, "rescore": rescore}},
        "explain": True, "_source": False,
    }  # fmt: skip
    native = searcher.answer(body)
    assert searcher.paths == ["POST _search"]
    here = Searcher(searcher.es, searcher.index, execution="auto")
    refused = {"type": "parsing_exception", "reason": "unknown retriever [rescorer]"}
    here.abilities.learn({"error": refused}, sent={"rescorer"})
    ours = here.answer(body)
    assert [hit["_explanation"] for hit in ours.hits] == [
        hit["_explanation"] for hit in native.hits
    ]


def test_nested_fields_leave_explanations_as_they_are(
    searcher: Searcher, es: Elasticsearch, index_name: str
) -> None:
    """Elasticsearch adds a condition for root documents to the query of an index with them."""
    nested = {"reviews": {"type": "nested", "properties": {"text": {"type": "text"}}}}
    es.indices.create(
        index=index_name, mappings={"properties": {**MAPPING["properties"], **nested}}
    )
    row = {"title": "red kettle", "brand": "a", "embedding": vector_of("x")}
    reviews = [{"text": "red"}, {"text": "red red"}, {"text": "blue"}]
    es.index(index=index_name, id="p1", document={**row, "reviews": reviews}, refresh=True)
    body = {"retriever": {"rrf": {"retrievers": [STANDARD, NEAR]}}, "explain": True}
    (hit,) = searcher.answer(body, index=index_name).hits
    lexical, vector = hit["_explanation"]["details"]
    (reason,) = lexical["details"]
    assert [each["description"][:13] for each in reason["details"]] == ["weight(title:"] * 2
    assert "found vector with calculated similarity" in str(vector["details"])


def test_nested_hits_keep_their_own_scores(
    searcher: Searcher, es: Elasticsearch, index_name: str, path: dict[str, Any]
) -> None:
    properties = {**MAPPING["properties"], "reviews": {
        "type": "nested", "properties": {"text": {"type": "text"}}
    }}  # fmt: skip
    es.indices.create(index=index_name, mappings={"properties": properties})
    row = {"title": "red kettle", "brand": "a", "embedding": vector_of("x")}
    reviews = [{"text": "red"}, {"text": "red red blue"}, {"text": "blue"}]
    es.index(index=index_name, id="p1", document={**row, "reviews": reviews}, refresh=True)
    query = {"nested": {
        "path": "reviews", "query": {"match": {"reviews.text": "red"}}, "inner_hits": {}
    }}  # fmt: skip
    native = es.search(index=index_name, query=query)["hits"]["hits"][0]["inner_hits"]
    found = searcher.answer(
        {"retriever": {"rrf": {"retrievers": [{"standard": {"query": query}}, NEAR]}}, **path},
        index=index_name,
    )
    assert found.hits[0]["inner_hits"] == native
    collapsed = {"field": "brand", "inner_hits": {"name": "same", "size": 3}}
    found = searcher.answer(
        {
            "retriever": {"rrf": {"retrievers": [{"standard": {"query": query}}, NEAR]}},
            **path, "collapse": collapsed,
        },
        index=index_name,
    )  # fmt: skip
    (hit,) = found.hits
    same = hit["inner_hits"].pop("same")["hits"]
    assert hit["inner_hits"] == native
    assert same["max_score"] == same["hits"][0]["_score"] == hit["_score"]


def test_the_profile_is_that_of_each_leaf(searcher: Searcher, path: dict[str, Any]) -> None:
    shards = searcher.answer({"retriever": RRF, **path, "profile": True}).answer["profile"][
        "shards"
    ]
    assert [shard.get("retriever") for shard in shards][:2] == ["standard", "knn"]
    assert all("searches" in shard for shard in shards)


def test_suggestions_come_along(searcher: Searcher, path: dict[str, Any]) -> None:
    suggest = {"s": {"text": "kettl", "term": {"field": "title"}}}
    answer = searcher.answer({"retriever": RRF, **path, "suggest": suggest}).answer
    assert answer["suggest"]["s"][0]["options"][0]["text"] == "kettle"


def test_the_answer_has_the_form_of_elasticsearch_s(
    searcher: Searcher, path: dict[str, Any]
) -> None:
    aggs: dict[str, Any] = {"brands": {"terms": {"field": "brand"}}}
    native = searcher.es.search(index=searcher.index, retriever=STANDARD, aggs=aggs).body
    answer = searcher.answer({"retriever": RRF, "aggs": aggs, **path}).answer
    assert list(answer) == list(native)
    assert answer["_shards"] == native["_shards"]
    assert answer["timed_out"] is False
    assert answer["hits"].keys() == native["hits"].keys()
    assert answer["hits"]["hits"][0].keys() == native["hits"]["hits"][0].keys()


def test_min_score_of_the_body_holds_for_the_fused_score(searcher: Searcher) -> None:
    everything = searcher.answer({"retriever": RRF, "size": 30})
    least = everything.hits[4]["_score"]
    found = searcher.answer({"retriever": RRF, "size": 30, "min_score": least})
    assert _ids(found) == [hit["_id"] for hit in everything.hits if hit["_score"] >= least]
    assert found.total == len(found.hits)


@pytest.mark.parametrize(
    ("own", "leaf"), [(None, None), (99, None), (None, 0.3), (None, 0), (99, 2.5)]
)
def test_a_min_score_holds_where_it_holds_in_elasticsearch(
    searcher: Searcher, own: float | None, leaf: float | None
) -> None:
    """That of a leaf replaces the body's, and a `rescorer`'s own is ignored, like a `pinned`'s."""
    query = STANDARD["standard"]["query"]
    standard = {"standard": {"query": query, **({} if leaf is None else {"min_score": leaf})}}
    rescore = {"window_size": 20, "query": {"rescore_query": {"match_all": {}}}}
    more = {} if own is None else {"min_score": own}
    native = searcher.es.search(
        index=searcher.index,
        retriever={"rescorer": {"retriever": standard, "rescore": rescore, **more}},
        min_score=3,  # the rescorer adds 1
        size=20,
    )["hits"]
    pinned = {"ids": ["none"], "retriever": standard, "rank_window_size": 20, **more}
    found = searcher.answer({"retriever": {"pinned": pinned}, "min_score": 2, "size": 20})
    assert found.total == native["total"]["value"]
    assert _ids(found) == [hit["_id"] for hit in native["hits"]]


def test_elasticsearch_ignores_the_min_score_of_an_rrf(searcher: Searcher) -> None:
    bounded = {"rrf": {**RRF["rrf"], "min_score": 99}}
    found, plain = (searcher.answer({"retriever": each, "size": 30}) for each in (bounded, RRF))
    assert (_ids(found), found.total) == (_ids(plain), plain.total)


def test_without_a_size_the_window_is_shown(searcher: Searcher) -> None:
    """As Elasticsearch does it with a compound retriever: see the same of its `rescorer`."""
    assert len(searcher.answer({"retriever": RRF}).hits) == 30
    rescore = {"window_size": 15, "query": {"rescore_query": {"match": {"title": "lamp"}}}}
    retriever = {"rescorer": {"retriever": STANDARD, "rescore": rescore}}
    assert len(searcher.es.search(index=searcher.index, retriever=retriever)["hits"]["hits"]) == 15
    assert len(searcher.answer({"retriever": retriever}).hits) == 15


def test_runtime_fields_and_timeouts_hold_for_every_request(
    searcher: Searcher, path: dict[str, Any]
) -> None:
    runtime = {"cheap": {"type": "keyword"}}  # a name without a script reads _source
    body = {"retriever": RRF, **path, "runtime_mappings": runtime, "timeout": "5s", "size": 3}
    assert len(searcher.answer(body).hits) == 3
    for call in searcher.calls:
        for part in call.body if isinstance(call.body, list) else []:
            if "query" in part or "knn" in part:
                assert part["runtime_mappings"] == runtime
                assert part["timeout"] == "5s"


def test_the_short_form_of_rrf_is_one_leaf_over_its_fields(searcher: Searcher) -> None:
    found = searcher.answer(
        {"retriever": {"rrf": {"query": "red a", "fields": ["title", "brand"]}}}
    )
    match = {"query": "red a", "type": "most_fields", "fields": ["title", "brand"]}
    native = searcher.es.search(index=searcher.index, query={"multi_match": match})
    assert _ids(found) == [hit["_id"] for hit in native["hits"]["hits"]]
    assert found.hits[0]["_score"] == pytest.approx(1 / 61, rel=1e-6)


def test_the_short_form_of_linear_weighs_its_fields(searcher: Searcher) -> None:
    short = {"query": "red a", "fields": ["title^2", "brand"], "normalizer": "minmax"}
    found = searcher.answer({"retriever": {"linear": short}})
    match = {"query": "red a", "type": "most_fields", "fields": ["title^2", "brand"]}
    native = searcher.es.search(index=searcher.index, query={"multi_match": match})
    assert _ids(found) == [hit["_id"] for hit in native["hits"]["hits"]]
    assert [found.hits[0]["_score"], found.hits[-1]["_score"]] == [1.0, 0.0]


def test_a_point_in_time_of_one_s_own_is_searched_and_left_open(
    searcher: Searcher, path: dict[str, Any]
) -> None:
    opened = searcher.es.open_point_in_time(index=searcher.index, keep_alive="1m")["id"]
    body = {"retriever": RRF, **path, "pit": {"id": opened}}
    found = searcher.answer(body, index="")
    assert found.answer["pit_id"]
    assert _ids(found) == _ids(searcher.answer({"retriever": RRF, **path}))
    assert searcher.es.close_point_in_time(id=opened)["succeeded"]


def test_parameters_of_the_query_string_reach_every_request(
    searcher: Searcher, path: dict[str, Any]
) -> None:
    params = {"preference": "_local", "ignore_unavailable": "true"}
    found = searcher.answer(
        {"retriever": RRF, **path}, index=f"{searcher.index},test-no-such-index", params=params
    )
    assert found.total
    with pytest.raises(RequestRefused, match="no such index"):
        searcher.answer({"retriever": RRF, **path}, index=f"{searcher.index},test-no-such-index")


@pytest.fixture(scope="module")
def two_indices(es: Elasticsearch) -> Iterator[str]:
    """Two indices behind an alias, one of three shards, with ids in common."""
    alias = "test-retrieval-both"
    for name, seed, shards in ((f"{alias}-a", 2, 1), (f"{alias}-b", 3, 3)):
        make_index(es, name, rows(150, seed), shards)
        es.indices.put_alias(index=name, name=alias)
    yield alias
    es.indices.delete(index=[f"{alias}-a", f"{alias}-b"])


@pytest.mark.parametrize(
    "more", [{}, {"collapse": {"field": "brand"}}, {"aggs": {"mean": {"avg": {"field": "price"}}}}]
)
def test_the_same_id_in_two_indices_is_two_hits(
    searcher: Searcher, two_indices: str, more: dict[str, Any]
) -> None:
    catalogue = {f"{two_indices}-a": rows(150, 2), f"{two_indices}-b": rows(150, 3)}
    for index in (two_indices, f"{two_indices}-*", f"{two_indices}-a,{two_indices}-b"):
        body = {"retriever": RRF, "size": 30, "track_total_hits": True, **more}
        found = searcher.answer(body, index=index)
        keys = [(hit["_index"], hit["_id"]) for hit in found.hits]
        assert len(keys) == len(set(keys))
        if "collapse" not in more:
            ids = [id_ for _, id_ in keys]
            assert len(set(ids)) < len(ids)
        for hit in found.hits:
            assert hit["_source"]["title"] == catalogue[hit["_index"]][hit["_id"]]["title"]


def test_another_index_s_document_of_the_same_id_stays_out(
    searcher: Searcher, two_indices: str
) -> None:
    """One index has no hit at all; its documents have the ids of the other's hits."""
    only = {"term": {"_index": f"{two_indices}-b"}}
    retriever = {"rrf": {**RRF["rrf"], "filter": only}}
    body = {"retriever": retriever, "size": 30, "collapse": {"field": "price"}}
    found = searcher.answer(body, index=two_indices)
    plain = searcher.answer({"retriever": retriever, "size": 30}, index=two_indices)
    assert {hit["_index"] for hit in found.hits} == {f"{two_indices}-b"}
    assert found.total == plain.total


def test_leaves_and_pages_of_one_search_ask_the_same_copies(searcher: Searcher) -> None:
    searcher.answer({"retriever": RRF, "size": 5})
    body = searcher.sent("_msearch").body
    assert isinstance(body, list)
    chosen = {part["preference"] for part in body[::2]}
    assert len(chosen) == 1
    searcher.answer({"retriever": RRF, "size": 5, "from": 5, "collapse": {"field": "brand"}})
    assert {searcher.sent("_pit").params["preference"]} == chosen
    lamps = {"standard": {"query": {"match": {"title": "lamp"}}}}
    searcher.answer({"retriever": {"rrf": {**RRF["rrf"], "retrievers": [lamps, NEAR]}}})
    body = searcher.sent("_msearch").body
    assert isinstance(body, list)
    assert body[0]["preference"] not in chosen


def test_many_shards_give_the_order_of_their_documents(
    searcher: Searcher, two_indices: str
) -> None:
    """Compared with the order in which Elasticsearch breaks ties: `_shard_doc`."""
    index = f"{two_indices}-b"
    constant = {"standard": {"query": {"constant_score": {"filter": {"match": {"title": "red"}}}}}}
    body = {
        "retriever": {"rrf": {"retrievers": [constant, constant], "rank_window_size": 100}},
        "aggs": {"mean": {"avg": {"field": "price"}}},
    }
    native = searcher.es.search(index=index, retriever=constant, size=100)["hits"]["hits"]
    assert _ids(searcher.answer(body, index=index)) == [hit["_id"] for hit in native]


@pytest.mark.parametrize("leaves", [[NEAR], [{"standard": {"query": {"match": {"title": "zzz"}}}}]])
def test_leaves_without_a_hit_are_no_error(searcher: Searcher, leaves: list[Any]) -> None:
    nothing = {"standard": {"query": {"match": {"title": "zzz"}}}}
    body = {"retriever": {"rrf": {"retrievers": [nothing, *leaves]}}}
    found = searcher.answer(body)
    assert len(found.hits) == (10 if leaves == [NEAR] else 0)
    with_page = searcher.answer({**body, "collapse": {"field": "brand"}})
    assert (with_page.total or 0) == (found.total or 0)


def test_a_dead_embedder_is_reported_or_raised(searcher: Searcher) -> None:
    def dead(text: str) -> list[float]:
        raise EmbeddingError("cannot be reached")

    searcher.embed = dead
    assert searcher.answer({"retriever": RRF}).degraded == ("embedding: cannot be reached",)
    with pytest.raises(EmbeddingError):
        searcher.answer({"retriever": RRF}, degrade=False)


def test_the_embedder_is_held_against_the_index_s_passport(
    searcher: Searcher, es: Elasticsearch, index_name: str
) -> None:
    passport = Passport(
        vector_field="embedding", model="m", revision="", dims=8, similarity="cosine",
        query_instruction="", text_template=("title",), text_max_chars=100,
    )  # fmt: skip
    es.indices.create(index=index_name, mappings={**MAPPING, "_meta": passport.to_meta()})

    def refuse(text: str) -> list[float]:
        if searcher.embedded[-1].passports:
            raise PassportMismatch("another model")
        return vector_of(text)

    searcher.embed = refuse
    with pytest.raises(PassportMismatch):
        searcher.answer({"retriever": RRF}, index=index_name)
    assert searcher.embedded[-1] == EmbedQuery("red kettle", index_name, (passport,))
    given = {**NEAR["knn"], "query_vector": vector_of("x")}
    del given["query_vector_builder"]
    # The caller's own vector was not made by this embedder, so it is not checked.
    searcher.answer({"retriever": {"knn": given}}, index=index_name)
    other = {"knn": {**NEAR["knn"], "field": "other"}}
    searcher.answer({"retriever": other}, index=index_name)


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        ({"retriever": RRF}, True),
        ({"retriever": NEAR}, True),
        ({"retriever": {"rescorer": {"retriever": NEAR, "rescore": {}}}}, True),
        ({"retriever": {"linear": {"retrievers": [{"retriever": STANDARD}]}}}, True),
        ({"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": "x"}}}, True),
        ({"retriever": STANDARD}, False),
        ({"retriever": {"rescorer": {"retriever": STANDARD, "rescore": {}}}}, False),
        ({"retriever": {"newer": {"retriever": RRF}}}, False),
        ({"retriever": {"rrf": {"retrievers": [{"newer": {}}]}}}, True),
        ({"retriever": {"rescorer": {"retriever": {"newer": {"retriever": RRF}}}}}, False),
        ({"retriever": {"rule": {"retriever": STANDARD}}}, False),
        ({"retriever": {"rule": {"retriever": RRF}}}, True),
        ({"retriever": {"diversify": {"retriever": STANDARD}}}, True),
        ({"retriever": {"knn": {"query_vector_builder": {"lookup": {"id": "1"}}}}}, False),
        ({"retriever": {"standard": {"query": NEAR}}}, True),
        ({"query": {"bool": {"should": [NEAR]}}}, True),
        ({"knn": [NEAR["knn"]]}, True),
        ({"knn": {"field": "v", "query_vector": [1]}}, False),
        ({"query": {}, "knn": {}, "rank": {"rrf": {}}}, True),
        ({"query": {}, "rank": {"other": {}}}, False),
        ({"query": {"match_all": {}}}, False),
        ({"ext": {"other": {}}}, False),
        ({"retriever": {"rrf": "x"}}, True),
        ({"retriever": "x"}, False),
        ([], False),
    ],
)
def test_what_is_es_hybrid_s_to_answer(body: Any, ours: bool) -> None:
    assert understood(body) is ours


def test_a_later_page_of_the_cluster_s_own_keeps_its_ranks(searcher: Searcher) -> None:
    found = searcher.answer({"retriever": STANDARD, "from": 7, "size": 3})
    assert [found.stages_of(hit)["standard"].rank for hit in found.hits] == [8, 9, 10]


def test_retrievers_keep_their_own_sort_and_groups(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    """A leaf's own sort ranks its hits, also where the scores are equal."""
    dear = {**STANDARD["standard"], "sort": [{"price": "desc"}]}
    grouped = {**STANDARD["standard"], "collapse": {"field": "brand"}}
    body = {"retriever": {"rrf": {"retrievers": [{"standard": dear}]}}, "size": 10}
    prices = [products[id_]["price"] for id_ in _ids(searcher.answer(body))]
    assert prices == sorted(prices, reverse=True)
    body = {"retriever": {"rrf": {"retrievers": [{"standard": grouped}]}}, "size": 10}
    brands = [products[id_]["brand"] for id_ in _ids(searcher.answer(body))]
    assert sorted(brands) == ["a", "b", "c", "d", "e"]


def test_vectors_may_be_hex(searcher: Searcher) -> None:
    knn = {"field": "embedding", "query_vector": "0102030405060708", "k": 5, "num_candidates": 50}
    numbers = {**knn, "query_vector": [float(n) for n in range(1, 9)]}
    found = [
        searcher.answer({"retriever": {"rrf": {"retrievers": [{"knn": each}]}}})
        for each in (knn, numbers)
    ]
    assert _ids(found[0]) == _ids(found[1])
    assert len(found[0].hits) == 5


def test_a_similarity_and_oversampling_reach_elasticsearch(searcher: Searcher) -> None:
    knn = {**NEAR["knn"], "similarity": 0.8, "rescore_vector": {"oversample": 2.0}}
    found = searcher.answer({"retriever": {"rrf": {"retrievers": [{"knn": knn}]}}})
    sent = searcher.sent("_msearch").body
    assert isinstance(sent, list)
    assert sent[1]["knn"]["similarity"] == 0.8
    assert sent[1]["knn"]["rescore_vector"] == {"oversample": 2.0}
    assert 0 < len(found.hits) < 10


def test_abilities_are_learnt_across_bodies(searcher: Searcher) -> None:
    fresh = replace(searcher, execution="auto")
    fresh.answer({"retriever": RRF})
    assert fresh.abilities.refused == {"rrf"}
