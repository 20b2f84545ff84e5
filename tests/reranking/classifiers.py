"""Tiny cross-encoders with random weights: BERT, XLM-R and ModernBERT."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from tests.reranking.checkpoints import DOCUMENTS, QUERY

_SHAPE = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
}
# Class, how a pair is put together, special tokens.
KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "bert": ("Bert", "[CLS] $A [SEP] $B:1 [SEP]:1", {"unk": "[UNK]", "pad": "[PAD]"}),
    "xlm-roberta": ("XLMRoberta", "<s> $A </s> </s> $B </s>", {"unk": "<unk>", "pad": "<pad>"}),
    "modernbert": ("ModernBert", "[CLS] $A [SEP] $B [SEP]", {"unk": "[UNK]", "pad": "[PAD]"}),
}


def make_classifier(folder: Path, kind: str = "bert", *, labels: int = 1, **settings: Any) -> Path:
    """Write a checkpoint of a cross-encoder."""
    import torch

    transformers: Any = importlib.import_module("transformers")
    name, template, special = KINDS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    size, pad = _make_tokenizer(folder, kind, template, special)
    shape = dict(_SHAPE) | settings
    offset = pad + 1 if special["pad"] == "<pad>" else 0
    config = getattr(transformers, f"{name}Config")(
        vocab_size=size,
        num_labels=labels,
        pad_token_id=pad,
        max_position_embeddings=256 + offset,
        **shape,
    )
    torch.manual_seed(3)
    model = getattr(transformers, f"{name}ForSequenceClassification")(config).eval()
    model.save_pretrained(folder)
    return folder


def _make_tokenizer(
    folder: Path, kind: str, template: str, special: dict[str, str]
) -> tuple[int, int]:
    tokenizers: Any = importlib.import_module("tokenizers")
    marks = [part.split(":")[0] for part in template.split() if not part.startswith("$")]
    control = list(dict.fromkeys([special["pad"], special["unk"], *marks]))
    if kind == "xlm-roberta":
        tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram())
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
        trainer = tokenizers.trainers.UnigramTrainer(
            vocab_size=300, special_tokens=control, unk_token=special["unk"], show_progress=False
        )
    else:
        tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token=special["unk"]))
        tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        trainer = tokenizers.trainers.WordPieceTrainer(
            vocab_size=400, special_tokens=control, show_progress=False
        )
    tokenizer.train_from_iterator([QUERY, *DOCUMENTS, "camera electric kettle scale"] * 4, trainer)
    first, last = marks[0], marks[-1]
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=template,
        special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in dict.fromkeys(marks)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 256,
        "pad_token": special["pad"],
        "unk_token": special["unk"],
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"]
        if ":1" in template
        else ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return tokenizer.get_vocab_size(), tokenizer.token_to_id(special["pad"])
