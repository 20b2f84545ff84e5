"""infinity-emb on torch, with tiny models whose vectors and scores transformers computes, too."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import TextTooLong
from es_hybrid.reranking.remote import RemoteReranker
from es_hybrid.settings import EmbeddingSettings
from tests.compatibility.servers import running
from tests.reranking.classifiers import make_classifier

TEXTS = [f"camera {number} " + "kettle " * number for number in range(40)]
# Tokens that the models read of a text.
LENGTH = 256


class Models(NamedTuple):
    """Folders of an encoder and of a cross-encoder with the same weights, and a server of both."""

    encoder: Path
    reranker: Path
    url: str

    def embedder(self, **settings: Any) -> OpenAIEmbedder:
        given = {"base_url": self.url, "model": "encoder", "max_retries": 0, **settings}
        return OpenAIEmbedder(EmbeddingSettings.model_validate(given))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    folder = tmp_path_factory.mktemp("infinity")
    reranker, encoder = make_classifier(folder / "reranker"), folder / "encoder"
    transformers: Any = importlib.import_module("transformers")
    transformers.BertModel.from_pretrained(reranker).save_pretrained(encoder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(reranker / name, encoder / name)
    options = [
        *("v2", "--engine=torch", "--device=cpu", "--dtype=float32", "--no-bettertransformer"),
        *("--no-model-warmup", "--model-id", str(encoder), "--served-model-name=encoder"),
        *("--model-id", str(reranker), "--served-model-name=reranker"),
    ]
    with running("infinity_emb", *options, log=folder / "log") as url:
        yield Models(encoder, reranker, url)


def _output(model: str, folder: Path, *texts: Sequence[str]) -> Any:
    """What transformers computes, and the attention mask."""
    import torch

    transformers: Any = importlib.import_module("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(
        *map(list, texts), padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    with torch.no_grad():
        return getattr(transformers, model).from_pretrained(folder)(**batch), batch


def _vectors(models: Models, texts: Sequence[str]) -> NDArray[np.float32]:
    """The mean of the hidden states, of length 1: `[n, dims]`."""
    output, batch = _output("BertModel", models.encoder, texts)
    mask = batch["attention_mask"][..., None]
    mean = ((output.last_hidden_state * mask).sum(1) / mask.sum(1)).numpy()
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def test_vectors_are_those_of_transformers_in_their_templates(models: Models) -> None:
    embedder = models.embedder(query_template="e5", document_template="e5", batch_size=7)
    documents, query = embedder.embed_documents(TEXTS), embedder.embed_query("kettle")
    embedder.close()
    np.testing.assert_allclose(
        documents, _vectors(models, [f"passage: {text}" for text in TEXTS]), atol=1e-5
    )
    np.testing.assert_allclose(query, _vectors(models, ["query: kettle"])[0], atol=1e-5)


def test_dims_are_cut(models: Models) -> None:
    embedder = models.embedder(dims=32, query_template="none", document_template="none")
    found = embedder.embed_documents(TEXTS)
    embedder.close()
    expected = _vectors(models, TEXTS)[:, :32]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_text_beyond_the_limit_of_the_server(models: Models) -> None:
    """It takes 122,880 characters, and says so with a copy of the request."""
    text = "kettle " * 30_000
    embedder = models.embedder(query_template="none", document_template="none")
    with pytest.raises(TextTooLong, match="answered 422: String should have at most 122880 char"):
        embedder.embed_documents([text])
    query = embedder.embed_query(text)
    embedder.close()
    np.testing.assert_allclose(query, _vectors(models, [text[:10_000]])[0], atol=1e-5)


def test_scores_are_those_of_transformers(models: Models) -> None:
    reranker = RemoteReranker(f"{models.url}/rerank", model="reranker", batch_size=16)
    found = reranker.score("electric kettle", TEXTS)
    reranker.close()
    pairs = ["electric kettle"] * len(TEXTS), TEXTS
    output, _ = _output("BertForSequenceClassification", models.reranker, *pairs)
    np.testing.assert_allclose(found, output.logits[:, 0].sigmoid().numpy(), atol=1e-5)
