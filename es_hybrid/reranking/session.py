"""Opening an ONNX Runtime session on the right device, and saying which one that is.

ONNX Runtime falls back to the CPU without an error when CUDA cannot be used, so what was got is
compared with what was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from es_hybrid.errors import MissingExtra, RerankError

try:
    import onnxruntime
except ImportError:
    raise MissingExtra("ONNX Runtime", "local") from None

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Provider", "Session", "open_session"]

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]

_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
# What each may fall back to; the CPU takes what no other can.
_CHAINS = {
    "cpu": ("cpu",),
    "cuda": ("cuda", "cpu"),
    "tensorrt": ("tensorrt", "cuda", "cpu"),
}

_log = logging.getLogger(__name__)


# Threads that wait by spinning take the cores from whatever else runs there, Elasticsearch first of
# all: 50 candidates took the small model 145 ms with it and 180 without on an idle machine of two
# cores, 520 ms and 400 on a busy one.
_USUAL = {"session.intra_op.allow_spinning": "0"}


@dataclass(frozen=True, slots=True)
class Session:
    """An open session.

    Attributes:
        runtime: The `onnxruntime.InferenceSession`. Its `run` may be called from several threads.
        provider: `cpu`, `cuda` or `tensorrt`: where the model runs.
        device: `cpu` or `cuda`: where its inputs and outputs can lie.
        fell_back: Whether another provider was asked for.
        graph: The file it was opened from.
    """

    runtime: Any
    provider: str
    device: str
    fell_back: bool
    graph: Path

    def run(
        self,
        inputs: Mapping[str, NDArray[np.int64]],
        values: Mapping[str, Any],
        outputs: Sequence[str],
        *,
        device: str,
    ) -> list[Any]:
        """Run the graph; what stays on a card is not copied to the host and back.

        Args:
            inputs: Arrays by input.
            values: `OrtValue`s by input, where they already lie on the device.
            outputs: Which outputs to return.
            device: Where these are to lie, `cpu` or this session's.

        Returns:
            An `OrtValue` for each output.

        Raises:
            RerankError: the runtime refuses, for want of memory for example.
        """
        try:
            binding = self.runtime.io_binding()
            for name, array in inputs.items():
                binding.bind_cpu_input(name, array)
            for name, value in values.items():
                binding.bind_ortvalue_input(name, value)
            for name in outputs:
                binding.bind_output(name, device)
            self.runtime.run_with_iobinding(binding)
        except Exception as error:  # the runtime's errors have no class of their own in common
            raise RerankError(
                f"the model cannot run: {_first_line(error)}",
                place=str(self.graph),
                remedy="lower max_length or the window where memory is short; else export again",
            ) from None
        return list(binding.get_outputs())


def open_session(
    graph: Path,
    *,
    provider: Provider = "auto",
    threads: int = 0,
    entries: Mapping[str, str] = MappingProxyType({}),
) -> Session:
    """Load a graph.

    Args:
        graph: The `.onnx` file.
        provider: `auto` takes CUDA where this ONNX Runtime and machine have it.
        threads: On the CPU; 0 for one a core.
        entries: Further configuration, by ONNX Runtime's names.

    Raises:
        RerankError: the graph cannot be loaded.
    """
    available = onnxruntime.get_available_providers()
    wanted = provider
    if wanted == "auto":
        wanted = "cuda" if _NAMES["cuda"] in available else "cpu"
    if wanted != "cpu" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # CUDA and cuDNN out of the nvidia wheels, where installed
    chain = [name for kind in _CHAINS[wanted] if (name := _NAMES[kind]) in available]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; the fallback is told below
    for key, value in {**_USUAL, **entries}.items():
        options.add_session_config_entry(key, value)
    try:
        runtime = onnxruntime.InferenceSession(str(graph), options, providers=chain)
    except Exception as error:  # the runtime's errors have no class of their own in common
        raise RerankError(
            f"the graph cannot be loaded: {_first_line(error)}",
            place=str(graph),
            remedy="export the model again",
        ) from None
    got = next(kind for kind, name in _NAMES.items() if name == runtime.get_providers()[0])
    fell_back = got != wanted and provider != "auto"
    if fell_back:
        _log.warning(
            "%s was asked for, but %s runs on %s; onnxruntime offers %s",
            wanted, graph, got, ", ".join(available),
        )  # fmt: skip
    else:
        _log.info("%s runs on %s", graph, got)
    return Session(runtime, got, "cpu" if got == "cpu" else "cuda", fell_back, graph)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
