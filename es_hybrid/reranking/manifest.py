"""The manifest of an exported graph: its origin, inputs and checksums.

A folder is used only if every file in the manifest is present and unchanged. This detects an
incomplete download or a replaced file before it produces scores.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from es_hybrid.errors import RerankError
from es_hybrid.reranking.external_data import external_files

__all__ = ["GRAPH", "MANIFEST", "TOKENIZER", "Manifest", "Parity", "checksums"]

MANIFEST, GRAPH, TOKENIZER = "manifest.json", "model.onnx", "tokenizer.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Verdict of the comparison between graph and original.

    Attributes:
        passed: Whether the runtime may use the graph.
        max_delta: Largest score difference.
        kendall_tau: Agreement of the two orders, -1 to 1.
        pairs: Query-document pairs compared.
        tolerance: Limit for `max_delta`, or None if the order decides.
        provider: Where the graph ran: a type may overflow on one provider and not on another.
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
        source: Hub id or folder of the weights.
        revision: Commit of the source, or empty.
        dtype: `fp32`, `fp16` or `int8`.
        opset: ONNX opset of the graph.
        max_length: Longest pair the model supports, in tokens.
        layers, kv_heads, head_dim: Shape of the keys and values; `qwen3` only.
        rope_theta: Base of the rotary embedding; `qwen3` only.
        tokens: Token ids by use: `yes`, `no`, `pad`.
        prompt: `head` and `tail` of the template; `qwen3` only.
        languages: ISO 639-1 codes of the supported languages; empty: not limited.
        weight: Weight of its score in a search, (0, 1]; the fused score gets the rest.
        files: SHA-256 by file name.
        parity: None until the model is verified.
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
        """Read the manifest of a folder.

        Raises:
            RerankError: there is none, or this version cannot use it.
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
                remedy="create the folder with: es-hybrid model export SOURCE FOLDER",
            ) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RerankError(
                f"not a manifest: {error}", place=str(path), remedy="export the model again"
            ) from None
        return replace(manifest, parity=verdict)

    def write(self, folder: Path) -> None:
        """Write the manifest to the folder atomically."""
        content = {"format": _FORMAT} | asdict(self)
        partial = folder / f"{MANIFEST}.part"
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
        partial.replace(folder / MANIFEST)

    def check_files(self, folder: Path) -> None:
        """Compare every file with its checksum.

        Raises:
            RerankError: a file is missing, changed, a symbolic link, or outside the folder; or the
                graph reads a file that is not listed.
        """
        for name, expected in self.files.items():
            path = folder / name
            # The manifest may come from an untrusted source: its names must not leave the folder.
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
                f"the manifest does not list {GRAPH}",
                place=str(folder),
                remedy="export the model again",
            )
        # ONNX Runtime loads these without checking them.
        for name in sorted(external_files(folder / GRAPH) - set(self.files)):
            raise RerankError(
                f"{GRAPH} reads {name}, which the manifest does not list",
                place=str(folder),
                remedy="export the model again",
            )


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files in a folder, by name."""
    return {name: _sha256(folder / name) for name in names}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
