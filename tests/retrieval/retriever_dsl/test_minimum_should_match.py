"""`minimum_should_match`, compared with the node."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.retrieval.retriever_dsl.minimum_should_match import least_matches

FORMS = [
    0, 1, 3, "2", " 2 ", -1, "-7", "75%", "-25%", "-30%", "0%", "100%", 9, "3<90%",
    "2<-25% 4<-3", "2 < 50% 4 < 1", "1<2 3<3", "9<1",
]  # fmt: skip


def test_so_many_clauses_must_match_as_the_node_says(es: Elasticsearch, index_name: str) -> None:
    documents = [{"n": list(range(count))} for count in range(7)]
    for document in documents:
        es.index(index=index_name, id=str(len(document["n"])), document=document)
    es.indices.refresh(index=index_name)
    for clauses in range(1, 7):
        should = [{"term": {"n": number}} for number in range(clauses)]
        searches = [
            part
            for form in FORMS
            for part in (
                {},
                {
                    "size": 0,
                    "query": {
                        "bool": {
                            "must": {"match_all": {}},
                            "should": should,
                            "minimum_should_match": form,
                        }
                    },
                },
            )
        ]
        for form, answer in zip(
            FORMS, es.msearch(index=index_name, searches=searches)["responses"], strict=True
        ):
            # A document with n numbers matches min(n, clauses) of the clauses.
            least = least_matches(clauses, form)
            expected = sum(min(count, clauses) >= least for count in range(7))
            assert answer["hits"]["total"]["value"] == expected, (clauses, form)


@pytest.mark.parametrize("given", [None, True, "x", "2<", [], "%"])
def test_what_elasticsearch_refuses_demands_nothing(given: object) -> None:
    assert least_matches(3, given) == 0
