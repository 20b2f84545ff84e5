"""Tiny Qwen3 rerankers with random weights, and their scores as in the model card."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# As in the tokenizer of Qwen3: added tokens not marked special are still matched in text.
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>"]
NOT_SPECIAL = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<|fim_prefix|>"]
_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CORPUS = [
    "yes no yes no yes no",
    "system\nJudge whether the Document meets the requirements based on the Query and the Instruct",
    'provided. Note that the answer can only be "yes" or "no".\nuser\n<Instruct>: <Query>:',
    "<Document>: Given a shopper's search query, judge whether the product satisfies the query",
    "Waterproof Action Camera 4K Ultra HD with WiFi Remote, Digital Kitchen Scale 0.1g Precision",
    "防水运动相机,4K超清,带Wi-Fi遥控 多功能厨房电子秤,精度0.1g 儿童增高安全座椅,ISOFIX硬接口",
    "Wasserkocher aus Edelstahl, bouilloire électrique en acier inoxydable, hervidor de agua",
] * 4

_SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "initializer_range": 0.2,  # with the default 0.02 the scores would hardly differ
}

QUERY = "防水运动相机,4K超清"
DOCUMENTS = [
    "Waterproof Action Camera 4K Ultra HD with WiFi Remote",
    "Digital Kitchen Scale Multifunctional, 0.1g Precision",
    "bouilloire électrique en acier inoxydable, 1,7 l " * 6,
    "x",
    "儿童增高安全座椅,ISOFIX硬接口,侧撞防护,适用3-12岁",
    "",
    "Wasserkocher " * 90,
]


def make_tokenizer(folder: Path) -> None:
    """Write a byte-level BPE tokenizer with the control tokens of Qwen3."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        trainers,
    )

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        _CORPUS,
        trainers.BpeTrainer(
            vocab_size=700,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in NOT_SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "Qwen2TokenizerFast",
        "pad_token": "<|endoftext|>",
        "eos_token": "<|im_end|>",
        "model_max_length": 32768,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def make_checkpoint(
    folder: Path, *, tied: bool = True, labels: int = 0, theta: float = 1e6, **shape: Any
) -> Path:
    """Write a Qwen3 checkpoint: causal, or a classifier if `labels` is not 0."""
    import torch
    from tokenizers import Tokenizer

    transformers: Any = importlib.import_module("transformers")  # whose types are partial

    folder.mkdir(parents=True, exist_ok=True)
    make_tokenizer(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    config = transformers.Qwen3Config(
        vocab_size=tokenizer.get_vocab_size() + 3,  # the real one is padded as well
        tie_word_embeddings=tied,
        rope_theta=theta,
        pad_token_id=tokenizer.token_to_id(SPECIAL[0]),
        max_position_embeddings=16384,
        **(_SHAPE | shape),
    )
    if labels:
        config.num_labels = labels
        model_class = transformers.Qwen3ForSequenceClassification
    else:
        model_class = transformers.Qwen3ForCausalLM
    torch.manual_seed(7)
    model = model_class(config).eval()
    with torch.no_grad():  # norms of one hide a norm that is missing
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.uniform_(0.5, 1.5)
    model.save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Reference:
    """Scores of transformers, computed as in the model card of Qwen3-Reranker."""

    model: Any
    tokenizer: Any

    def score(
        self, query: str, documents: Sequence[str], instruction: str, max_length: int = 8192
    ) -> NDArray[np.float32]:
        import torch

        prefix = (
            "<|im_start|>system\nJudge whether the Document meets the requirements based on the "
            'Query and the Instruct provided. Note that the answer can only be "yes" or "no".'
            "<|im_end|>\n<|im_start|>user\n"
        )
        suffix = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
        start = self.tokenizer.encode(prefix, add_special_tokens=False)
        end = self.tokenizer.encode(suffix, add_special_tokens=False)
        pairs = [
            f"<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}"
            for document in documents
        ]
        inputs = self.tokenizer(
            pairs,
            padding=False,
            truncation="longest_first",
            return_attention_mask=False,
            max_length=max_length - len(start) - len(end),
        )
        inputs["input_ids"] = [start + ids + end for ids in inputs["input_ids"]]
        inputs = self.tokenizer.pad(inputs, padding=True, return_tensors="pt")
        with torch.no_grad():
            logits = self.model(**inputs).logits
        # The last token that is not padding, wherever it is.
        steps = torch.arange(logits.shape[1])
        last = (inputs["attention_mask"] * steps).argmax(dim=1)
        logits = logits[torch.arange(len(last)), last]
        yes, no = (self.tokenizer.convert_tokens_to_ids(word) for word in ("yes", "no"))
        answers = torch.stack([logits[:, no], logits[:, yes]], dim=1).float()
        scores: NDArray[np.float32] = torch.nn.functional.softmax(answers, dim=1)[:, 1].numpy()
        return scores
