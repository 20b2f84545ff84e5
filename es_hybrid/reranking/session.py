"""Opens an ONNX Runtime session and reports the device it runs on.

ONNX Runtime silently falls back to the CPU if CUDA is unusable, so the actual provider is compared
with the requested one.
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
# Providers by priority; the CPU runs operators that the others lack.
_CHAINS = {
    "cpu": ("cpu",),
    "cuda": ("cuda", "cpu"),
    "tensorrt": ("tensorrt", "cuda", "cpu"),
}

_log = logging.getLogger(__name__)

# Spinning threads take CPU time from other processes such as Elasticsearch: on two cores the small
# model scored 50 documents in 145 ms with spinning and 180 ms without on an idle machine, in 520 ms
# and 400 ms on a busy one.
_DEFAULT_ENTRIES = {"session.intra_op.allow_spinning": "0"}


@dataclass(frozen=True, slots=True)
class Session:
    """An open session.

    Attributes:
        runtime: The `onnxruntime.InferenceSession`. Its `run` may be called from several threads.
        provider: `cpu`, `cuda` or `tensorrt`: where the model runs.
        device: `cpu` or `cuda`: where inputs and outputs may reside.
        fell_back: Whether another provider was requested.
        graph: The `.onnx` file.
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
        """Run the graph without copying values on the device to the host.

        Args:
            inputs: Arrays by input name.
            values: `OrtValue`s already on the device, by input name.
            outputs: Names of the outputs to return.
            device: Device of the outputs, `cpu` or that of this session.

        Returns:
            An `OrtValue` for each output.

        Raises:
            RerankError: the run fails, e.g. because memory is exhausted.
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
        except Exception as error:  # the runtime's errors share no base class
            raise RerankError(
                f"the model cannot run: {_first_line(error)}",
                place=str(self.graph),
                remedy="lower max_length or the window if memory is exhausted, else export again",
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
        provider: `auto` uses CUDA if ONNX Runtime offers it.
        threads: CPU threads; 0: one per core.
        entries: Additional configuration entries of ONNX Runtime.

    Raises:
        RerankError: the graph cannot be loaded.
    """
    available = onnxruntime.get_available_providers()
    wanted = provider
    if wanted == "auto":
        wanted = "cuda" if _NAMES["cuda"] in available else "cpu"
    if wanted != "cpu" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # CUDA and cuDNN from the nvidia wheels, if installed
    chain = [name for kind in _CHAINS[wanted] if (name := _NAMES[kind]) in available]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only; the fallback is logged below
    for key, value in {**_DEFAULT_ENTRIES, **entries}.items():
        options.add_session_config_entry(key, value)
    try:
        runtime = onnxruntime.InferenceSession(str(graph), options, providers=chain)
    except Exception as error:  # the runtime's errors share no base class
        raise RerankError(
            f"the graph cannot be loaded: {_first_line(error)}",
            place=str(graph),
            remedy="export the model again",
        ) from None
    got = next(kind for kind, name in _NAMES.items() if name == runtime.get_providers()[0])
    fell_back = got != wanted and provider != "auto"
    if fell_back:
        _log.warning(
            "%s was requested, but %s runs on %s; onnxruntime offers %s",
            wanted, graph, got, ", ".join(available),
        )  # fmt: skip
    else:
        _log.info("%s runs on %s", graph, got)
    return Session(runtime, got, "cpu" if got == "cpu" else "cuda", fell_back, graph)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
