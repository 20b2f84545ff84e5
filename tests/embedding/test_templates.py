"""What models are sent: templates and parameters on the wire, and how they are chosen."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.embedding.templates import chosen_templates
from es_hybrid.errors import EmbeddingError
from es_hybrid.settings import EmbeddingSettings
from tests.fakes.embedding import EmbeddingServer, vector_of
from tests.fakes.http import json_answer

INSTRUCTION = "Find the product"
# Family -> the bytes of the query and the document "Kettle {1}".
SENT = {
    "none": ("Kettle {1}", "Kettle {1}"),
    "qwen3": ("Instruct: Find the product\nQuery:Kettle {1}", "Kettle {1}"),
    "instruct": ("Instruct: Find the product\nQuery: Kettle {1}", "Kettle {1}"),
    "e5": ("query: Kettle {1}", "passage: Kettle {1}"),
    "bge": ("Represent this sentence for searching relevant passages: Kettle {1}", "Kettle {1}"),
    "bge-zh": ("为这个句子生成表示以用于检索相关文章：Kettle {1}", "Kettle {1}"),
    "bge-gemma2": ("<instruct>Find the product\n<query>Kettle {1}", "Kettle {1}"),
    "gte": ("Kettle {1}", "Kettle {1}"),
    "jina": (
        "Represent the query for retrieving evidence documents: Kettle {1}",
        "Represent the document for retrieval: Kettle {1}",
    ),
    "jina-v4": ("Query: Kettle {1}", "Passage: Kettle {1}"),
    "jina-v5": ("Query: Kettle {1}", "Document: Kettle {1}"),
    "nomic": ("search_query: Kettle {1}", "search_document: Kettle {1}"),
    "snowflake-arctic": (
        "Represent this sentence for searching relevant passages: Kettle {1}",
        "Kettle {1}",
    ),
    "snowflake-arctic-v2": ("query: Kettle {1}", "Kettle {1}"),
    "embeddinggemma": (
        "task: search result | query: Kettle {1}",
        "title: none | text: Kettle {1}",
    ),
    "Ask {text}: {instruction}!\n": ("Ask Kettle {1}: Find the product!\n", "Kettle {1}"),
}


def _requests(text: str = "Kettle {1}", **settings: Any) -> list[dict[str, Any]]:
    """What a server is sent for a query, and for a document of the same text."""
    with EmbeddingServer() as server:
        given = {"base_url": server.url, "query_instruction": INSTRUCTION, **settings}
        embedder = OpenAIEmbedder(EmbeddingSettings.model_validate(given))
        query, documents = embedder.embed_query(text), embedder.embed_documents([text])
        embedder.close()
    sent = server.requests[-2:]
    for vector, request in zip((query, documents[0]), sent, strict=True):
        (sent_text,) = request["input"]
        np.testing.assert_allclose(vector, vector_of(sent_text, len(vector)), rtol=1e-5)
    return sent


def _texts(text: str = "Kettle {1}", **settings: Any) -> tuple[str, str]:
    query, document = (request["input"][0] for request in _requests(text, **settings))
    return query, document


@pytest.mark.parametrize(("family", "expected"), SENT.items())
def test_a_family_is_sent_as_its_model_card_says(family: str, expected: tuple[str, str]) -> None:
    document = family if "{" not in family else "none"
    assert _texts(query_template=family, document_template=document) == expected


@pytest.mark.parametrize(
    ("model", "family"),
    [("Qwen/Qwen3-Embedding-0.6B", "qwen3"), ("intfloat/e5-base-v2", "e5"), ("ours", "none")],
)
def test_the_name_of_the_model_chooses(model: str, family: str) -> None:
    assert _texts(model=model) == SENT[family]


def test_without_an_instruction_a_query_is_sent_as_it_is() -> None:
    assert _texts(query_instruction="") == ("Kettle {1}", "Kettle {1}")


@pytest.mark.parametrize("text", ["{text}", "{instruction} {0} {", "}{text}{{", "%s {text!r}"])
def test_braces_in_texts_are_texts(text: str) -> None:
    assert _texts(text, query_instruction="Find {text}", document_template="passage: {text}.") == (
        f"Instruct: Find {{text}}\nQuery:{text}",
        f"passage: {text}.",
    )


def test_a_query_that_is_too_long_keeps_its_template() -> None:
    def fault(request: dict[str, Any], number: int) -> Any:
        too_long = len(request["input"][0]) > 200
        return json_answer(413, {"message": "too many tokens"}) if too_long else None

    with EmbeddingServer(fault=fault) as server:
        settings = EmbeddingSettings(
            base_url=server.url, query_template="search: {text} (in a shop)"
        )
        embedder = OpenAIEmbedder(settings)
        embedder.embed_query("red kettle " * 60)
        embedder.close()
    assert server.texts[-1] == f"search: {('red kettle ' * 60)[:165]} (in a shop)"


def test_parameters_are_sent_and_the_server_adds_the_prompts() -> None:
    query, document = _requests(
        model="intfloat/e5-base-v2",
        dims=32,
        query_parameters={"input_type": "query", "truncate": "END"},
        document_parameters={"input_type": "passage", "truncate": "END"},
    )
    assert (query["input"], query["input_type"]) == (["Kettle {1}"], "query")
    assert (document["input"], document["input_type"]) == (["Kettle {1}"], "passage")
    assert {query["truncate"], document["truncate"]} == {"END"}
    assert {query["dimensions"], document["dimensions"]} == {32}


def test_parameters_that_do_not_tell_queries_from_documents_leave_the_templates() -> None:
    same = {"truncate": "END"}
    query, document = _requests(
        model="intfloat/e5-base-v2", query_parameters=same, document_parameters=same
    )
    assert (query["input"][0], document["input"][0]) == SENT["e5"]


def test_a_server_that_refuses_the_parameters_is_an_error_that_names_them() -> None:
    refusal = json_answer(400, {"error": {"message": "Extra inputs are not permitted"}})
    with EmbeddingServer(fault=lambda request, number: refusal) as server:
        settings = EmbeddingSettings(base_url=server.url, query_parameters={"task": "x"})
        embedder = OpenAIEmbedder(settings)
        with pytest.raises(EmbeddingError, match=r"not permitted.*the parameters"):
            embedder.embed_query("kettle")
        embedder.close()


PUBLISHED = [
    ({"query": "Q: ", "document": "D: ", "STS": "S: "}, ("Q: {text}", "D: {text}")),
    ({"query": "Q: "}, ("Q: {text}", "{text}")),
    ({"query": "Q: ", "passage": "P: ", "corpus": "C: "}, ("Q: {text}", "P: {text}")),
    ({"query": None, "corpus": "C: "}, ("{text}", "C: {text}")),
]


@pytest.mark.parametrize(("prompts", "expected"), PUBLISHED)
def test_prompts_in_the_folder_of_an_unknown_model_are_used(
    tmp_path: Path, prompts: dict[str, Any], expected: tuple[str, str]
) -> None:
    _publish(tmp_path, prompts)
    templates, reason = chosen_templates(EmbeddingSettings(model=str(tmp_path)))
    assert (templates, reason) == (expected, "the prompts that the model's repository publishes")


def test_prompts_in_the_cache_of_the_hub_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--acme--embedder"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    for revision, prompt in {"abc": "new: ", "v1": "old: "}.items():
        folder = repository / "snapshots" / revision
        folder.mkdir(parents=True)
        _publish(folder, {"query": prompt, "document": "doc: "})
    for revision, query in {"": "new: {text}", "v1": "old: {text}", "v2": "{text}"}.items():
        templates, _ = chosen_templates(EmbeddingSettings(model="acme/embedder", revision=revision))
        assert templates.query == query


@pytest.mark.parametrize("content", ["{", "[]", '{"prompts": null}', '{"prompts": {"STS": "S"}}'])
def test_a_file_without_prompts_for_search_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text(content)
    assert chosen_templates(EmbeddingSettings(model=str(tmp_path))) == (("{text}", "{text}"), "")


@pytest.mark.parametrize("model", ["a/b/c", "a--b/c", "..", "", "a" * 300, "a/" + "b" * 300])
def test_a_name_that_no_repository_has_is_unknown(model: str) -> None:
    assert chosen_templates(EmbeddingSettings(model=model))[1] == ""


def _publish(folder: Path, prompts: dict[str, Any]) -> None:
    file = folder / "config_sentence_transformers.json"
    file.write_text(json.dumps({"prompts": prompts, "default_prompt_name": None}))


@pytest.mark.parametrize(
    ("settings", "level", "message"),
    [
        (
            {"model": "intfloat/e5-base-v2"},
            logging.INFO,
            "queries are sent as 'query: {text}', documents as 'passage: {text}', "
            "by the model's name: family e5",
        ),
        ({"query_template": "e5", "document_template": "e5"}, logging.INFO, "by the settings"),
        (
            {"model": "m", "document_parameters": {"task": "d"}},
            logging.INFO,
            """documents as '{text}' with {"task": "d"}, by the parameters""",
        ),
        ({"model": "ours"}, logging.WARNING, "no template is known for ours: queries are sent as"),
    ],
)
def test_the_choice_is_logged_at_start(
    caplog: pytest.LogCaptureFixture, settings: dict[str, Any], level: int, message: str
) -> None:
    with caplog.at_level(logging.INFO, "es_hybrid.embedding"):
        _requests(**settings)
    (record,) = [each for each in caplog.records if "are sent as" in each.getMessage()]
    assert record.levelno == level
    assert message in record.getMessage()
