"""Adds pages to the site that are kept in the root of the repository, for visitors of its host."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs with the files of `docs`."""
    for source, page in PAGES.items():
        content = _linked((ROOT / source).read_text("utf-8"))
        files.append(File.generated(config, page, content=content))
    return files


def _linked(text: str) -> str:
    """The text with its links as they are in the site."""
    text = text.replace("](docs/", "](")
    for source, page in PAGES.items():
        text = re.sub(rf"\]\({re.escape(source)}(?=[)#])", f"]({page}", text)
    return text
