"""Where a model comes from: a folder, or a hub id that is fetched."""

from __future__ import annotations

import re
from pathlib import Path

from es_hybrid.errors import MissingExtra, RerankError

__all__ = ["fetch"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# What is needed, and nothing that is code: no pickles, no modules.
_WANTED = ("*.json", "*.safetensors", "merges.txt", "vocab.txt", "*.model")


def fetch(source: str, revision: str = "") -> tuple[Path, str]:
    """The checkpoint's folder and its revision.

    Args:
        source: A folder, or `owner/name` on the Hugging Face hub (or in its cache).
        revision: Branch, tag or commit there; empty for the newest.

    Returns:
        The folder, and the commit, empty for a folder of one's own.

    Raises:
        RerankError: neither a folder nor a model that can be fetched.
    """
    if Path(source).is_dir():
        return Path(source), ""
    if not _HUB_ID.fullmatch(source):
        raise RerankError(
            "neither a folder nor a hub id", place=source, remedy="give a folder or owner/name"
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtra("huggingface_hub", "export") from None
    try:
        folder = Path(
            snapshot_download(source, revision=revision or None, allow_patterns=list(_WANTED))
        )
    except Exception as error:  # network, hub and cache errors have no class in common
        raise RerankError(
            f"cannot be fetched: {str(error).strip().splitlines()[0]}",
            place=source,
            remedy="check the name and the network, or give a folder with the checkpoint",
        ) from None
    return folder, folder.name
