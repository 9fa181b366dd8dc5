"""Writes ONNX graphs with the standard library alone: the few messages of onnx.proto3 that a graph needs."""
import struct

FLOAT, UINT8, INT64, FLOAT16 = 1, 2, 7, 10


def varint(value):
    """A whole number in protobuf's form; negative ones as 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(tag, value):
    """A field that holds a whole number."""
    return varint(tag << 3) + varint(value)


def field(tag, value):
    """A field that holds bytes, a text or a message."""
    value = value.encode() if isinstance(value, str) else value
    return varint(tag << 3 | 2) + varint(len(value)) + value


def tensor(name, kind, shape, raw):
    """An initializer; `raw` is little-endian, row by row."""
    return b"".join([*(number(1, size) for size in shape), number(2, kind), field(8, name), field(9, raw)])


def floats(values):
    """32-bit floats as bytes."""
    return struct.pack(f"<{len(values)}f", *values)


def integers(values):
    """64-bit whole numbers as bytes."""
    return struct.pack(f"<{len(values)}q", *values)


def attribute(name, value):
    """A whole number, a float, a text or a list of whole numbers."""
    if isinstance(value, float):
        return field(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return field(1, name) + number(3, value) + number(20, 2)
    return field(1, name) + b"".join(number(8, one) for one in value) + number(20, 7)


def value_info(name, kind, dims):
    """An input or output; a dimension is a number, or a name where it varies."""
    sizes = b"".join(field(1, number(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, number(1, kind) + field(2, sizes)))


class Graph:
    """A graph being built; a value is its name."""

    def __init__(self, name):
        self.name, self.nodes, self.weights, self.inputs, self.outputs = name, [], [], [], []

    def weight(self, kind, shape, raw):
        """Numbers that are part of the model."""
        self.weights.append(tensor(f"w{len(self.weights)}", kind, shape, raw))
        return f"w{len(self.weights) - 1}"

    def list(self, *values):
        """A list of whole numbers, as shapes and axes are given."""
        return self.weight(INT64, [len(values)], integers(values))

    def scalar(self, value):
        """One float, or one whole number."""
        return self.weight(INT64, [], integers([value])) if isinstance(value, int) else self.weight(FLOAT, [], floats([value]))

    def op(self, kind, *inputs, out=None, **attributes):
        """An operator with one output."""
        out = out or f"{kind}_{len(self.nodes)}"
        parts = [field(1, name) for name in inputs] + [field(2, out), field(3, f"{kind}_{len(self.nodes)}"), field(4, kind)]
        self.nodes.append(b"".join(parts + [field(5, attribute(*pair)) for pair in attributes.items()]))
        return out

    def bytes(self, opset=18):
        """The file."""
        graph = b"".join([*(field(1, node) for node in self.nodes), field(2, self.name), *(field(5, one) for one in self.weights),
                          *(field(11, one) for one in self.inputs), *(field(12, one) for one in self.outputs)])
        return number(1, 8) + field(2, "callsift") + field(7, graph) + field(8, field(1, "") + number(2, opset))
