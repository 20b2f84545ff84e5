"""Every file that a graph reads is found, wherever the graph names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.reranking.external_data import PATHS, external_files

Tensor = onnx.TensorProto


def tensor(location: str = "hidden.bin") -> onnx.TensorProto:
    made = onnx.TensorProto(name="w", data_type=Tensor.FLOAT, dims=[1])
    made.data_location = Tensor.EXTERNAL
    for key, value in (("offset", "0"), ("location", location), ("length", "4")):
        made.external_data.add(key=key, value=value)
    return made


def written(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def in_initializer(model: Any) -> None:
    model.graph.initializer.append(tensor())


def in_attribute(model: Any) -> None:
    model.graph.node.add().attribute.add(name="value").t.CopyFrom(tensor())


def in_list_of_tensors(model: Any) -> None:
    model.graph.node.add().attribute.add(name="values").tensors.append(tensor())


def in_branch(model: Any) -> None:
    branch = model.graph.node.add(op_type="If").attribute.add(name="then_branch").g
    branch.node.add().attribute.add(name="body").graphs.add().initializer.append(tensor())


def in_sparse_tensor(model: Any) -> None:
    model.graph.sparse_initializer.add().indices.CopyFrom(tensor())


def in_sparse_attribute(model: Any) -> None:
    attribute = model.graph.node.add().attribute.add(name="s")
    attribute.sparse_tensors.add().values.CopyFrom(tensor())


def in_function(model: Any) -> None:
    model.functions.add(name="f").node.add().attribute.add(name="v").t.CopyFrom(tensor())


def in_training(model: Any) -> None:
    model.training_info.add().algorithm.initializer.append(tensor())


@pytest.mark.parametrize(
    "put",
    [
        in_initializer, in_attribute, in_list_of_tensors, in_branch, in_sparse_tensor,
        in_sparse_attribute, in_function, in_training,
    ],
)  # fmt: skip
def test_a_file_is_found_wherever_it_is_named(
    tmp_path: Path, put: Callable[[onnx.ModelProto], None]
) -> None:
    model = onnx.ModelProto(ir_version=10)
    put(model)
    assert external_files(written(model, tmp_path)) == {"hidden.bin"}


def test_key_and_value_in_either_order(tmp_path: Path) -> None:
    model = onnx.ModelProto(ir_version=10)
    in_initializer(model)
    content = model.SerializeToString()
    usual, other = b"\x0a\x08location\x12\x0ahidden.bin", b"\x12\x0ahidden.bin\x0a\x08location"
    assert content.count(usual) == 1
    path = tmp_path / "model.onnx"
    path.write_bytes(content.replace(usual, other))
    assert onnx.load(path, load_external_data=False) == model, "the same graph to every reader"
    assert external_files(path) == {"hidden.bin"}


def test_a_long_name_and_several_files(tmp_path: Path) -> None:
    model = onnx.ModelProto(ir_version=10)
    names = {"a" * 300, "sub/w.bin", "größe.bin"}
    model.graph.initializer.extend(map(tensor, sorted(names)))
    assert external_files(written(model, tmp_path)) == names


def test_every_way_to_a_tensor_is_walked() -> None:
    """Compared with the description of the format that the onnx library has."""
    file = onnx.ModelProto.DESCRIPTOR.file.message_types_by_name
    reach: dict[str, dict[int, str]] = {}

    def leads_to_tensor(kind: str, seen: frozenset[str] = frozenset()) -> bool:
        return kind == "TensorProto" or any(
            field.message_type is not None
            and field.message_type.name not in seen
            and leads_to_tensor(field.message_type.name, seen | {kind})
            for field in file[kind].fields
            if field.message_type is None or field.message_type.name in file
        )

    todo = ["ModelProto"]
    while todo:
        kind = todo.pop()
        if kind in reach or kind == "TensorProto":
            continue
        reach[kind] = {
            field.number: field.message_type.name
            for field in file[kind].fields
            if field.message_type is not None
            and field.message_type.name in file
            and leads_to_tensor(field.message_type.name)
        }
        todo += reach[kind].values()
    assert {kind: fields for kind, fields in PATHS.items() if kind != "TensorProto"} == reach
    assert file["TensorProto"].fields_by_name["external_data"].number in PATHS["TensorProto"]


def test_after_a_group(tmp_path: Path) -> None:
    """A wire type that protobuf has given up, but its parsers still skip."""
    model = onnx.ModelProto(ir_version=10)
    in_initializer(model)
    group = bytes([30 << 3 & 0x7F | 3 | 0x80, 1, 30 << 3 & 0x7F | 4 | 0x80, 1])
    path = tmp_path / "model.onnx"
    path.write_bytes(group + model.SerializeToString())
    onnx.load(path, load_external_data=False)
    assert external_files(path) == {"hidden.bin"}


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_other_bytes_name_nothing(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "model.onnx"
    path.write_bytes(content)
    assert external_files(path) == set()


def test_endless_nesting_ends(tmp_path: Path) -> None:
    content = b""
    for _ in range(5000):  # a node's attribute in a graph, again and again
        for number in (6, 5, 1):
            content = bytes([number << 3 | 2]) + _length(len(content)) + content
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes([7 << 3 | 2]) + _length(len(content)) + content)
    with pytest.raises(DecodeError):
        onnx.load(path, load_external_data=False)
    assert external_files(path) == set()


def _length(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])
