"""The same source once more, written to be fast: reductions by their ufuncs, and large elementwise parts in blocks.

A block's temporaries stay in the cache, and are written over as soon as nobody will read them again; most of the time that such
computations take as whole arrays goes into memory. This module knows how things are written, and `blocks` which.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.compiler.blocks import Region, arranged, is_sum
from tinygrad_edu.compiler.emission import LONGEST_NESTED, Writer
from tinygrad_edu.compiler.forms import is_short
from tinygrad_edu.compiler.names import Names
from tinygrad_edu.compiler.nodes import Node, is_number, ufunc_of
from tinygrad_edu.graph.source import identifier, literal
from tinygrad_edu.primitives import arithmetic, reductions
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.special import logsumexp

MANY = 300
"""From so many numbers on `np.logaddexp`, which goes through them one by one, is slower than its definition."""


class FastWriter(Writer):
    """Writes what is fast, though longer."""

    def _entry(self, node: Node) -> Primitive:
        entry = super()._entry(node)
        is_slow = node.operation is logsumexp and math.prod(node.inputs[0].shape) >= MANY
        return replace(entry, code="") if is_slow else entry  # without a printed form its function is called

    def _form(self, node: Node) -> ast.expr:
        if _reduces(node) is None:
            return super()._form(node)
        (x,) = node.inputs
        if not x.shape or not math.prod(x.shape) or x.dtype == np.float16:  # which np.mean adds up with more precision
            return super()._form(node)
        if not isinstance(self._forms[x], ast.Name) and len(ast.unparse(self._forms[x])) > LONGEST_NESTED:
            self._give_line(x)
        return self._reduction(node, self._forms[x])

    def _constant(self, node: Node) -> ast.expr:
        """Arrays are made once."""
        form = super()._constant(node)
        return self._in_front(form) if node.shape and isinstance(form, ast.Call) else form

    def _comment(self, node: Node, written: Sequence[Node]) -> str:
        """None: this is for machines."""
        return ""

    def _reduction(self, node: Node, x: ast.expr) -> ast.expr:
        """The reduction by its ufunc, which saves a layer of Python."""
        ufunc = _reduces(node)
        options = ", ".join(f"{key}={value!r}" for key, value in {"axis": None, **node.params}.items())
        reduced = ast.parse(f"np.{ufunc.__name__}.reduce({ast.unparse(x)}, {options})", mode="eval").body
        if node.operation is not reductions.mean:
            return reduced
        count = math.prod(node.inputs[0].shape) / math.prod(node.shape)
        return ast.BinOp(reduced, ast.Div(), literal(int(count)))

    def _write(self, order: Sequence[Node]) -> None:
        for part in arranged(order, self._outputs, self._accumulations.keys() | self._inner):
            if isinstance(part, Region):
                self._write_region(part)
            elif part not in self._forms:
                self._write_one(part)

    def _write_region(self, region: Region) -> None:
        """A loop over slices. In it each operation writes into a buffer, and takes one over that nobody will read again."""
        used = dict.fromkeys(part for node in region.nodes for part in node.inputs)
        outside = [part for part in used if part not in region.nodes]
        for part in outside:
            if not is_short(self._forms[part]):
                self._give_line(part)  # once, and not in each block
        whole, before = self._forms, self._body
        names = {node: self._name_for(node) for node in region.nodes if node in region.stored}
        before += [f"{name} = {self._empty(node)}" for node, name in names.items()]
        start, block = self._names.unique("start"), self._names.unique("block")
        self._forms, self._body = dict(whole), [f"{block} = slice({start}, {start} + {region.rows})"]
        for part in outside:
            if region.is_sliced(part):
                self._forms[part] = self._slice(ast.unparse(whole[part]), block)
        stored = {node: self._slice(name, block) for node, name in names.items() if not is_sum(node)}
        buffers = _Buffers(region, self._names)
        for node in region.nodes:
            self._write_in_block(node, names.get(node, ""), stored.get(node), buffers)
        body, self._forms, self._body = self._body, whole, before
        self._body += buffers.made()
        loop = [f"for {start} in range(0, {region.length}, {region.rows}):", *buffers.shortened(start), *body]
        self._body += [loop[0], *(f"    {line}" for line in loop[1:])]
        for node, name in names.items():
            self._forms[node] = ast.Name(name)
            if node.operation is reductions.mean:
                self._body.append(f"{name} /= {math.prod(node.inputs[0].shape) // math.prod(node.shape)}")

    def _slice(self, name: str, block: str) -> ast.expr:
        part = self._names.unique(f"{identifier(name)}_{block}")
        self._body.append(f"{part} = {name}[{block}]")
        return ast.Name(part)

    def _write_in_block(self, node: Node, name: str, stored: ast.expr | None, buffers: _Buffers) -> None:
        operands = [ast.unparse(self._forms[part]) for part in node.inputs]
        if is_sum(node):
            self._body.append(f"{name} += np.add.reduce({operands[0]}, axis={node.params.get('axis')})")
            buffers.read(node)
            return
        if node.operation is arithmetic.power and is_number(node.inputs[1]) and node.inputs[1].value == 2:
            function, operands = "square", operands[:1]
        else:
            function = _ufunc_name(node)
        form = self._form(node)
        buffers.read(node)
        if function:
            self._forms[node] = stored or ast.Name(buffers.take(node))
            self._body.append(f"np.{function}({', '.join([*operands, f'out={ast.unparse(self._forms[node])}'])})")
        elif stored is not None:
            self._body.append(f"{ast.unparse(stored)}[...] = {ast.unparse(form)}")
            self._forms[node] = stored
        else:
            self._forms[node] = form
            self._give_line(node)

    def _empty(self, node: Node) -> str:
        """What a result is before the first block."""
        dtype = ast.unparse(literal(node.dtype))
        if not is_sum(node):
            return f"np.empty({node.shape}, {dtype})"
        return f"np.zeros({node.shape}, {dtype})" if node.shape else f"{dtype}(0)"


def _reduces(node: Node) -> Any:
    """The ufunc whose reduction an operation is; a mean is a sum, divided."""
    return np.add if node.operation is reductions.mean else node.operation and node.operation.reduces


class _Buffers:
    """Arrays of the size of a block, which the operations of a region write into in turn."""

    def __init__(self, region: Region, names: Names) -> None:
        self._region, self._names = region, names
        self._to_be_read = Counter(part for node in region.nodes for part in node.inputs)
        self._of: dict[Node, str] = {}
        self._free: dict[Any, list[str]] = {}
        self._made: dict[str, str] = {}

    def read(self, node: Node) -> None:
        """A node has been computed; buffers of operands that are not needed again become free."""
        for part in node.inputs:
            self._to_be_read[part] -= 1
            if not self._to_be_read[part] and part in self._of:
                self._free.setdefault(self._kind(part), []).append(self._of.pop(part))

    def take(self, node: Node) -> str:
        """A buffer for a result."""
        shape, dtype = kind = self._kind(node)
        if not self._free.get(kind):
            name = self._names.unique("buffer")
            self._made[name] = f"{name} = np.empty({(self._region.rows, *shape)}, {ast.unparse(literal(dtype))})"
            self._free.setdefault(kind, []).append(name)
        self._of[node] = self._free[kind].pop()
        return self._of[node]

    def _kind(self, node: Node) -> tuple[tuple[int, ...], Any]:
        return node.shape[1:], node.dtype

    def made(self) -> list[str]:
        """The statements that make them."""
        return list(self._made.values())

    def shortened(self, start: str) -> list[str]:
        """The statements that cut them to the size of the last block."""
        rest = self._region.length % self._region.rows
        if not rest or not self._made:
            return []
        return [
            f"if {start} + {self._region.rows} > {self._region.length}:",
            *(f"    {name} = {name}[:{rest}]" for name in self._made),
        ]


def _ufunc_name(node: Node) -> str:
    """The name of the NumPy function that an operation is, if it can write its result into an array that is given."""
    assert node.primitive is not None
    ufunc = ufunc_of(node.primitive)
    is_power_of_number = node.operation is arithmetic.power and is_number(node.inputs[1])  # for which ** has faster ways
    is_usable = ufunc is not None and not node.params and not is_power_of_number
    return ufunc.__name__ if ufunc is not None and is_usable and hasattr(np, ufunc.__name__) else ""
