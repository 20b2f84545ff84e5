"""Rerankers with random weights in the shapes of real ones, and documents of known lengths."""

from __future__ import annotations

import importlib
import json
import random
from pathlib import Path
from typing import Any

from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.verify import LONG, SAMPLES

# The vocabulary of `small` gives the head the same share of the work as at 0.6B.
SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {
        "vocab_size": 1_100, "hidden_size": 64, "intermediate_size": 192,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "head_dim": 32,
    },
    "small": {
        "vocab_size": 26_000, "hidden_size": 512, "intermediate_size": 1536,
        "num_hidden_layers": 12, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 64,
    },
    "0.6b": {
        "vocab_size": 151_669, "hidden_size": 1024, "intermediate_size": 3072,
        "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
        "head_dim": 128,
    },
}  # fmt: skip
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]


def make_checkpoint(folder: Path, shape: dict[str, Any]) -> None:
    """Write a Qwen3 of that shape with seeded random weights and a matching tokenizer."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    folder.mkdir(parents=True)
    pad = _make_tokenizer(folder)
    torch.manual_seed(4)
    config = transformers.Qwen3Config(
        **shape, tie_word_embeddings=True, rope_theta=1e6, initializer_range=0.04, pad_token_id=pad
    )
    transformers.Qwen3ForCausalLM(config).save_pretrained(folder)


def make_classifier(checkpoint: Path, folder: Path, yes: int, no: int) -> None:
    """Write the same weights as a classifier; its head is the difference of the two answers."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    causal = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint)
    classifier = transformers.Qwen3ForSequenceClassification.from_pretrained(
        checkpoint, num_labels=1
    )
    words = causal.lm_head.weight
    with torch.no_grad():
        classifier.score.weight.copy_((words[yes] - words[no])[None])
    classifier.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_bytes((checkpoint / file).read_bytes())


def texts(encoder: PromptEncoder, count: int) -> dict[str, list[str]]:
    """Documents by their length in tokens."""
    return {
        "60 tokens": documents(encoder, count, 60, 60),
        "200 tokens": documents(encoder, count, 200, 200),
        "20-380": documents(encoder, count, 20, 380),
    }


def documents(encoder: PromptEncoder, count: int, shortest: int, longest: int) -> list[str]:
    """Documents of so many tokens."""
    chance = random.Random(4)
    pool = (LONG + " ".join(text for some in SAMPLES.values() for text in some)).split()
    tail = len(encoder.documents([""], 0)[0])

    def text(tokens: int) -> str:
        words: list[str] = []
        while len(encoder.documents([" ".join(words)], 0)[0]) - tail < tokens:
            words += chance.choices(pool, k=4)
        return " ".join(words)

    return [text(chance.randint(shortest, longest)) for _ in range(count)]


def _make_tokenizer(folder: Path) -> int:
    """Write a byte-level BPE with the prompt's control tokens; returns the padding id.

    transformers' classifier finds the last token of a row by the padding id, not by the mask.
    """
    tokenizers: Any = importlib.import_module("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    corpus = [LONG, "yes,no,yes,no," * 50, *(text for some in SAMPLES.values() for text in some)]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1000,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus * 3, trainer)
    tokenizer.add_special_tokens(CONTROL)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "Qwen2TokenizerFast", "pad_token": CONTROL[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return int(tokenizer.token_to_id(CONTROL[0]))
