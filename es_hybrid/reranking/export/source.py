"""Locates a checkpoint: a folder, or a model on the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from es_hybrid.errors import MissingExtra, RerankError

__all__ = ["fetch"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# Files to download; none of them contains code, such as pickles or modules.
_WANTED = ("*.json", "*.safetensors", "merges.txt", "vocab.txt", "*.model")


def fetch(source: str, revision: str = "") -> tuple[Path, str]:
    """Locate a checkpoint and download it if necessary.

    Args:
        source: A folder, or `owner/name` on the Hugging Face hub or in its cache.
        revision: Branch, tag or commit on the hub; empty for the newest.

    Returns:
        The folder and the commit; the commit is empty for a local folder.

    Raises:
        RerankError: the source is not a folder, and no model can be downloaded.
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
    except Exception as error:  # network, hub and cache errors share no base class
        raise RerankError(
            f"cannot be downloaded: {str(error).strip().splitlines()[0]}",
            place=source,
            remedy="check the name and the network, or give the folder of a checkpoint",
        ) from None
    return folder, folder.name
