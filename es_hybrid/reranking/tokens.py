"""Tokenizers that encode user text as plain text.

A query or product that contains a control token (`[SEP]`, `<|im_end|>`, `<think>`) must not inject
it, so user text is encoded with a copy of the tokenizer without added tokens. The option
`encode_special_tokens` of the tokenizers library is not enough: it ignores added tokens that are
not marked special, such as `<think>`.
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
    """Read a `tokenizer.json`.

    Raises:
        RerankError: the file is missing or not a tokenizer.
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
    """Build the tokenizer without added tokens, truncation and padding.

    Args:
        described: Content of `tokenizer.json`.
        place: Path of that file, for errors.
        template: Whether to add the special tokens around a text or a pair. The template contains
            their ids, so it does not need the added tokens.

    Raises:
        RerankError: it cannot be loaded.
    """
    bare = described | {"added_tokens": [], "truncation": None, "padding": None}
    if not template:
        bare["post_processor"] = None
    try:
        return Tokenizer.from_str(json.dumps(bare))
    except Exception as error:  # the library raises plain Exception
        raise RerankError(
            f"the tokenizer cannot be loaded: {error}",
            place=place,
            remedy="export the model again",
        ) from None


def valid(text: str) -> str:
    """Replace lone surrogates, which no tokenizer accepts, by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
