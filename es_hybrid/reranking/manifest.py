"""What stands beside an exported graph: where it comes from, how to feed it, and its checksums.

A folder is used only when every file the manifest names is there and unchanged, so a download
that broke off or a file that was swapped is found before it scores anything.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from es_hybrid.errors import RerankError

__all__ = ["GRAPH", "MANIFEST", "TOKENIZER", "Manifest", "Parity", "checksums"]

MANIFEST, GRAPH, TOKENIZER = "manifest.json", "model.onnx", "tokenizer.json"
_FORMAT = 1
# `location: value` of a tensor outside the graph, as protobuf writes the pair; then the value's
# length, which for a file's name is one byte. Parsing it would need the onnx library at run time.
_LOCATION = re.compile(rb"\x0a\x08location\x12(.)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """The verdict of comparing the graph with the original.

    Attributes:
        passed: Whether the runtime may use the graph.
        max_delta: Largest difference of a score.
        kendall_tau: Agreement of the two orders, -1 to 1.
        pairs: Query-document pairs compared.
        tolerance: What `max_delta` was held against, or None where the order decides.
        provider: Where the graph ran: a type that overflows on one may not on another.
    """

    passed: bool
    max_delta: float
    kendall_tau: float
    pairs: int
    tolerance: float | None
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An exported reranker.

    Attributes:
        architecture: `qwen3`, or `classifier` for an encoder that reads both texts at once.
        source: Hub id or folder name the weights came from.
        revision: The source's commit, or empty.
        dtype: `fp32`, `fp16` or `int8`.
        opset: ONNX opset of the graph.
        max_length: Tokens of one pair that the model was made for.
        layers, kv_heads, head_dim: Of the keys and values, for `qwen3`.
        rope_theta: Base of the rotary embedding, for `qwen3`.
        tokens: Ids by use: `yes`, `no`, `pad`.
        prompt: `head` and `tail` of the template, for `qwen3`.
        languages: ISO 639-1 codes the model is good for; empty: not limited.
        weight: Of its scores in the order of a search, (0, 1]; the rest is the fused score's.
        files: SHA-256 by file name.
        parity: None until the model was verified.
    """

    architecture: str
    source: str
    revision: str = ""
    dtype: str
    opset: int
    max_length: int
    layers: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    rope_theta: float = 0.0
    tokens: dict[str, int] = field(default_factory=dict)
    prompt: dict[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    weight: float = 1.0
    files: dict[str, str] = field(default_factory=dict)
    parity: Parity | None = None

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the folder's manifest.

        Raises:
            RerankError: there is none, or not one this version can use.
        """
        path = folder / MANIFEST
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != _FORMAT:
                raise ValueError("written by another version")
            parity = content.pop("parity", None)
            languages = tuple(content.pop("languages", ()))
            manifest = cls(**content, languages=languages)
            verdict = None if parity is None else Parity(**parity)
        except FileNotFoundError:
            raise RerankError(
                f"no {MANIFEST}",
                place=str(folder),
                remedy="make the folder with: es-hybrid model export SOURCE FOLDER",
            ) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RerankError(
                f"not a manifest: {error}", place=str(path), remedy="export the model again"
            ) from None
        return replace(manifest, parity=verdict)

    def write(self, folder: Path) -> None:
        """Write it to the folder, whole or not at all."""
        content = {"format": _FORMAT} | asdict(self)
        partial = folder / f"{MANIFEST}.part"
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
        partial.replace(folder / MANIFEST)

    def check_files(self, folder: Path) -> None:
        """Hold every file against its checksum.

        Raises:
            RerankError: a file is missing, changed, a link, or outside the folder.
        """
        for name, expected in self.files.items():
            path = folder / name
            # A name comes from the manifest, and a manifest may come from anywhere.
            if Path(name).name != name or path.is_symlink() or not path.is_file():
                raise RerankError(
                    f"{name} is missing, or not a file of this folder",
                    place=str(folder),
                    remedy="export the model again",
                )
            if _sha256(path) != expected:
                raise RerankError(
                    "changed since the export", place=str(path), remedy="export the model again"
                )
        if GRAPH not in self.files:
            raise RerankError(
                f"the manifest names no {GRAPH}", place=str(folder), remedy="export the model again"
            )
        for name in sorted(_read_by(folder / GRAPH) - set(self.files)):
            raise RerankError(
                f"{GRAPH} reads {name}, which the manifest does not name",
                place=str(folder),
                remedy="export the model again",
            )


def _read_by(graph: Path) -> set[str]:
    """The files a graph has its weights in. ONNX Runtime loads them whatever their checksum."""
    with graph.open("rb") as stream:
        if not graph.stat().st_size:
            return set()
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return {
                content[hit.end() : hit.end() + hit[1][0]].decode("utf-8", "replace")
                for hit in _LOCATION.finditer(content)
            }


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the named files of a folder."""
    return {name: _sha256(folder / name) for name in names}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
