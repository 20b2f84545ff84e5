"""Tokenizers that take user text for text.

A query or product that spells out a control token (`[SEP]`, `<|im_end|>`, `<think>`) must not
become one, so user text is encoded by a copy of the tokenizer that knows no added tokens at all.
The tokenizers library's own switch, `encode_special_tokens`, is not enough: it leaves out added
tokens that are not marked special, and `<think>` is one of those.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from es_hybrid.errors import MissingExtra, RerankError

try:
    from tokenizers import Tokenizer
except ImportError:
    raise MissingExtra("tokenizers", "local") from None

__all__ = ["plain_tokenizer", "read_tokenizer", "valid"]


def read_tokenizer(path: Path) -> dict[str, Any]:
    """What a `tokenizer.json` holds.

    Raises:
        RerankError: no such file, or not one of a tokenizer.
    """
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(described["added_tokens"], list):
            raise TypeError
    except FileNotFoundError:
        raise RerankError(
            "no such file", place=str(path), remedy="export the model again"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise RerankError(
            "not a tokenizer of the tokenizers library",
            place=str(path),
            remedy="export the model again",
        ) from None
    return dict(described)


def plain_tokenizer(described: dict[str, Any], place: str, *, template: bool) -> Tokenizer:
    """The tokenizer without its added tokens, which neither cuts nor pads.

    Args:
        described: What its file holds.
        place: That file, for errors.
        template: Whether it puts its tokens around a text or a pair. It has their ids, and needs
            no list of them.

    Raises:
        RerankError: it cannot be loaded.
    """
    bare = described | {"added_tokens": [], "truncation": None, "padding": None}
    if not template:
        bare["post_processor"] = None
    try:
        return Tokenizer.from_str(json.dumps(bare))
    except Exception as error:  # the library raises the bare class
        raise RerankError(
            f"the tokenizer cannot be loaded: {error}",
            place=place,
            remedy="export the model again",
        ) from None


def valid(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, replaced by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
