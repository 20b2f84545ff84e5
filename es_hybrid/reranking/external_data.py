"""Finds the files that an ONNX graph stores its weights in, without the onnx library.

Walks the protobuf encoding of the graph, however its writer ordered the fields. Skips the weights,
so a graph of gigabytes takes as long as its nodes. Message and field numbers: onnx.proto, and
https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PATHS", "external_files"]

# Message -> number of a field -> message in that field: every way from the model to a tensor.
PATHS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto", 6: "GraphProto", 10: "TensorProto", 11: "GraphProto",
        22: "SparseTensorProto", 23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
}  # fmt: skip
_KEY, _VALUE = 1, 2
_LOCATION = b"location"
# Bytes after the field's number, by wire type; 0 and 2 have variable lengths. 3 and 4 begin and end
# a group: its fields are read as those of the message around it.
_FIXED = {1: 8, 3: 0, 4: 0, 5: 4}
_NESTING = 200  # the protobuf libraries refuse more than 100


def external_files(graph: Path) -> set[str]:
    """Names of the files that the tensors of a graph are read from.

    What no protobuf parser accepts names nothing: ONNX Runtime does not load it.
    """
    names: set[bytes] = set()
    if not graph.stat().st_size:
        return set()
    with (
        graph.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
        contextlib.suppress(_Malformed),
    ):
        names.update(_locations(content, "ModelProto", _NESTING))
    return {name.decode("utf-8", "replace") for name in names}


class _Malformed(Exception):
    """No protobuf parser accepts these bytes."""


def _locations(message: memoryview, kind: str, nesting: int) -> Iterator[bytes]:
    if nesting == 0:
        raise _Malformed
    inside = PATHS[kind]
    for number, value in _fields(message):
        if number not in inside or value is None:
            continue
        if inside[number] == "StringStringEntryProto":
            entry = list(_fields(value))
            if any(field == _KEY and bytes(text or b"") == _LOCATION for field, text in entry):
                yield from (bytes(text) for field, text in entry if field == _VALUE and text)
        else:
            yield from _locations(value, inside[number], nesting - 1)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Each field's number and, if it is a message or text, its bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value, kind = None, tag & 7
        if kind == 0:
            _, at = _varint(message, at)
        elif kind == 2:
            size, at = _varint(message, at)
            value = message[at : at + size]
            at += size
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise _Malformed
        if at > len(message):
            raise _Malformed
        yield tag >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of up to ten bytes, and where it ends."""
    number = 0
    for shift, byte in enumerate(message[at : at + 10]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return number, at + shift + 1
    raise _Malformed
