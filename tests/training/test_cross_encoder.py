"""Training a cross-encoder with two tiny layers."""

import re
from pathlib import Path

import pytest
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from training.cross_encoder import Recipe, train
from training.groups import Group

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "mouse", "pad", "blue", "red"]
GROUPS = [Group("mouse", "en", (("blue mouse", 1.0),), (), (("mouse pad", 0.0), ("red pad", 0.0)))]


@pytest.fixture
def start(tmp_path: Path) -> Path:
    folder = tmp_path / "start"
    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS))
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)  # type: ignore[no-untyped-call]
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(WORDS), intermediate_size=32, num_labels=1, **shape)  # type: ignore[no-untyped-call]
    BertForSequenceClassification(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def test_the_loss_falls_and_a_checkpoint_is_written(start: Path, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = Recipe(groups=4, rate=1e-2, threads=1)

    train(start, GROUPS * 240, tmp_path / "taught", recipe=recipe, say=said.append)

    losses = [float(loss) for line in said for loss in re.findall(r"loss ([\d.]+)", line)]
    assert len(losses) == 2
    assert losses[1] < losses[0] / 2
    taught = BertForSequenceClassification.from_pretrained(tmp_path / "taught")
    assert taught.config.num_labels == 1
