"""Writes an ONNX graph node by node, with large tensors in a separate file.

A graph file is limited to 2 GB, and writing tensor by tensor avoids holding the whole model in
memory. Independent of any model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

__all__ = ["GraphEmitter"]

_IR_VERSION = 11  # the version of opset 23
_INLINE = 1024  # bytes: smaller tensors stay in the graph, visible to shape inference
_ALIGNMENT = 4096  # bytes: a page, so that the runtime can map the file


class GraphEmitter:
    """A graph under construction; every method returns the name of the value it adds.

    A context manager: keeps the tensor file, `path` + `.data`, open.

    Args:
        path: Graph file, written by `save`.
        opset: Version of the standard operators.
    """

    def __init__(self, path: Path, *, opset: int) -> None:
        self._path = path
        self._opset = opset
        self._graph = helper.make_graph([], path.stem, [], [])
        self._constants: dict[tuple[str, bytes, tuple[int, ...]], str] = {}
        self._data = path.with_name(f"{path.name}.data").open("wb")

    def __enter__(self) -> GraphEmitter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._data.close()

    def input(self, name: str, dtype: DTypeLike, shape: Sequence[int | str]) -> str:
        """Declare an input of the graph; variable dimensions have a name."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._graph.input.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, dtype: DTypeLike, shape: Sequence[int | str]) -> str:
        """Declare a value as an output of the graph."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._graph.output.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def op(
        self,
        kind: str,
        *inputs: str,
        name: str = "",
        unused: Sequence[str] = (),
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add a node and return its first output, called `name` if given."""
        output = name or f"v{len(self._graph.node)}"
        self._graph.node.append(
            helper.make_node(kind, inputs, [output, *unused], domain=domain, **attributes)
        )
        return output

    def cast(self, value: str, dtype: DTypeLike) -> str:
        """Convert a value to another type."""
        return self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def const(self, value: int | Sequence[int]) -> str:
        """Add an int64 scalar or list; equal ones share an initializer."""
        array = np.array(value, dtype=np.int64)
        key = ("int64", array.tobytes(), array.shape)
        if key not in self._constants:
            self._constants[key] = self.tensor(f"c{len(self._constants)}", array)
        return self._constants[key]

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """Add an initializer; a large one goes to the tensor file."""
        # `ascontiguousarray` makes scalars 1-D.
        array = np.ascontiguousarray(array).reshape(array.shape)
        if array.nbytes <= _INLINE:
            self._graph.initializer.append(numpy_helper.from_array(array, name))
            return name
        self._data.write(bytes(-self._data.tell() % _ALIGNMENT))
        tensor = self._graph.initializer.add()
        tensor.name = name
        tensor.dims.extend(array.shape)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor.data_location = TensorProto.EXTERNAL
        where = {
            "location": Path(self._data.name).name,
            "offset": self._data.tell(),
            "length": array.nbytes,
        }
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
        self._data.write(array.data)
        return name

    def save(self) -> None:
        """Write the graph."""
        model: ModelProto = helper.make_model(
            self._graph,
            opset_imports=[
                helper.make_opsetid("", self._opset),
                helper.make_opsetid("com.microsoft", 1),
            ],
            ir_version=_IR_VERSION,
            producer_name="es-hybrid",
        )
        self._path.write_bytes(model.SerializeToString())
