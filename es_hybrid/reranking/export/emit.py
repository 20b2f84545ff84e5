"""Writing an ONNX graph node by node, the big tensors into a file beside it.

A graph in one file may not pass 2 GB, and a model that is written tensor by tensor never stands
in memory as a whole. Knows nothing about any model.
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

_IR_VERSION = 11  # the one that came with opset 23
_INLINE = 1024  # bytes: smaller tensors stay in the graph, where shape inference sees them
_ALIGNMENT = 4096  # bytes: a page, so that the runtime can map the file instead of reading it


class GraphEmitter:
    """A graph under construction: every method returns the name of the value it adds.

    A context manager: the file of tensors, `path` + `.data`, is open in between.

    Args:
        path: The graph's file, written by `save`.
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
        """An input of the graph; a dimension that varies has a name."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._graph.input.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, dtype: DTypeLike, shape: Sequence[int | str]) -> str:
        """Declare a value to be an output of the graph."""
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
        """One node; its first output, called `name` where that is given."""
        output = name or f"v{len(self._graph.node)}"
        self._graph.node.append(
            helper.make_node(kind, inputs, [output, *unused], domain=domain, **attributes)
        )
        return output

    def cast(self, value: str, dtype: DTypeLike) -> str:
        """The value in another type."""
        return self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def const(self, value: int | Sequence[int]) -> str:
        """An int64 scalar or list; equal ones are one initializer."""
        array = np.array(value, dtype=np.int64)
        key = ("int64", array.tobytes(), array.shape)
        if key not in self._constants:
            self._constants[key] = self.tensor(f"c{len(self._constants)}", array)
        return self._constants[key]

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """An initializer, whose bytes go to the file beside the graph when they are many."""
        array = np.ascontiguousarray(array).reshape(array.shape)  # the former makes scalars 1-D
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
