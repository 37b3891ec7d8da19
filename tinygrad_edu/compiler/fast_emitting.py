"""The same source once more, written to be fast: reductions by their ufuncs, and large elementwise parts in blocks.

A block's temporaries stay in the cache, and are written over as soon as nobody will read them again; most of the time that such
computations take as whole arrays goes into memory.
A loop does not compute remainders to find its place in a list, and the square of a single number is a product. This module knows
how things are written, and `blocks` which.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compiler.blocks import Region, arranged, is_sum
from tinygrad_edu.compiler.forms import called, is_short
from tinygrad_edu.compiler.ir import IRNode, Rank, is_number, ufunc_of
from tinygrad_edu.compiler.loop_emitting import LoopEmitter
from tinygrad_edu.compiler.loops import Body, body_of, everything, is_list, is_loop
from tinygrad_edu.compiler.scope import Scope
from tinygrad_edu.graph.source import literal
from tinygrad_edu.primitives import arithmetic, reductions
from tinygrad_edu.primitives.indexing import index
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.special import logsumexp

MANY = 300
"""From so many numbers on an array is not small. (`np.logaddexp`, which goes through them one by one, is then slower than its
definition.)"""
_LINEAR = (arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.negative)


class FastEmitter(LoopEmitter):
    """Writes what is fast, though longer. A variable of the user's keeps no memory."""

    least = Rank.GIVEN
    looks_up = takes_arguments = False  # the program may have to start again

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._repeated: dict[tuple[IRNode, int], ast.expr] = {}  # lists that loops go through so often
        self._walks: dict[IRNode, ast.expr] = {}  # for each node that is the next of such a list the repeated list

    def _entry(self, node: IRNode) -> Primitive:
        entry = super()._entry(node)
        is_slow = node.operation is logsumexp and math.prod(node.inputs[0].shape) >= MANY
        return entry.but(code="") if is_slow else entry  # without a printed form its function is called

    def _form(self, node: IRNode) -> ast.expr:
        if node in self._walks:
            return ast.Subscript(self._walks[node], self._forms[node.inputs[1].inputs[0]])
        if _is_square(node):
            return self._product_with_itself(node.inputs[0])
        ufunc = _reduces(node)
        if ufunc is None or not _can_be_reduced(node.inputs[0]):
            return super()._form(node)
        (x,) = node.inputs
        self._give_line_if_long(x)
        options = ", ".join(f"{key}={value!r}" for key, value in {"axis": None, **node.params}.items())
        # By its ufunc, which saves a layer of Python.
        reduced = ast.parse(f"np.{ufunc.__name__}.reduce({ast.unparse(self._forms[x])}, {options})", mode="eval").body
        return ast.BinOp(reduced, ast.Div(), literal(_count(node))) if node.operation is reductions.mean else reduced

    def _product_with_itself(self, x: IRNode) -> ast.expr:
        if not isinstance(self._forms[x], ast.Name):
            self._give_line(x)
        return ast.BinOp(self._forms[x], ast.Mult(), self._forms[x])

    def _constant(self, node: IRNode) -> ast.expr:
        """Arrays are made once."""
        form = super()._constant(node)
        return self._scope.in_front(form) if node.shape and isinstance(form, ast.Call) else form

    def _comment(self, node: IRNode, written: Sequence[IRNode]) -> str:
        """None: this is for machines."""
        return ""

    # --- loops ---------------------------------------------------------------------------------------------------------------

    def _give_lines_outside(self, whole: IRNode) -> None:
        """A list that is gone through several times, `x[i % 5]`, is repeated before: `repeated_x[i]` is faster."""
        super()._give_lines_outside(whole)
        for node in body_of(whole).own:
            times = _times_through(node, body_of(whole))
            if times:
                self._walks[node] = self._repeated_list(node.inputs[0], times)

    def _repeated_list(self, listed: IRNode, times: int) -> ast.expr:
        if (listed, times) not in self._repeated:
            once = ast.unparse(self._forms[listed])
            name = self._scope.variable(f"repeated_{once}")
            self._body.append(f"{name} = {once} * {times}")
            self._repeated[listed, times] = ast.Name(name)
        return self._repeated[listed, times]

    # --- blocks --------------------------------------------------------------------------------------------------------------

    def _write(self, order: Sequence[IRNode], outputs: Sequence[IRNode]) -> None:
        for part in arranged(order, outputs, self._accumulations.keys() | self._inner):
            if isinstance(part, Region):
                self._write_region(part)
            elif part not in self._forms:
                self._write_one(part)

    def _write_region(self, region: Region) -> None:
        """What is stored is made before a loop, which fills it or adds to it block by block."""
        for part in region.outside:
            if not is_short(self._forms[part]):
                self._give_line(part)  # once, and not in each block
        stored = {node: self._new_name_for(node) for node in region.nodes if node in region.stored}
        self._body += [f"{name} = {_empty(node)}" for node, name in stored.items()]
        self._body += self._loop(region, stored)
        for node, name in stored.items():
            self._forms[node] = ast.Name(name)
            if node.operation is reductions.mean:
                self._body.append(f"{name} /= {_count(node)}")

    def _loop(self, region: Region, stored: Mapping[IRNode, str]) -> list[str]:
        """A loop over slices. In it each operation writes into a buffer, and takes one over that nobody will read again."""
        start, block = self._scope.unique("start"), self._scope.unique("block")
        around, self._forms, self._body = (self._forms, self._body), dict(self._forms), []
        for part in region.outside:
            if region.is_sliced(part):
                self._forms[part] = self._slice(ast.unparse(self._forms[part]), block)
        targets = {node: self._slice(name, block) for node, name in stored.items() if not is_sum(node)}
        buffers = _Buffers(region, self._scope)
        for node in region.nodes:
            if is_sum(node):
                total = f"np.add.reduce({ast.unparse(self._forms[node.inputs[0]])}, axis={node.params.get('axis')})"
                self._body.append(f"{stored[node]} += {total}")
                buffers.read(node)
            else:
                self._write_in_block(node, targets.get(node), buffers)
        body = [f"{block} = slice({start}, {start} + {region.rows})", *self._body]
        self._forms, self._body = around
        loop = f"for {start} in range(0, {region.length}, {region.rows}):"
        return [*buffers.made(), loop, *(f"    {line}" for line in [*buffers.shortened(start), *body])]

    def _slice(self, name: str, block: str) -> ast.Name:
        part = self._scope.variable(f"{name}_{block}")
        self._body.append(f"{part} = {name}[{block}]")
        return ast.Name(part)

    def _write_in_block(self, node: IRNode, target: ast.Name | None, buffers: _Buffers) -> None:
        """One operation, into the target or a buffer if it can write into an array that is given."""
        ufunc, inputs = _ufunc(node)
        operands = [self._forms[part] for part in inputs]
        form = self._form(node)
        buffers.read(node)
        if ufunc:
            target = target or ast.Name(buffers.take(node))
            form = called(ufunc, *operands)
            form.keywords = [ast.keyword("out", target)]
            self._body.append(ast.unparse(form))
        elif target is not None:
            self._body.append(f"{target.id}[...] = {ast.unparse(form)}")
        else:
            self._forms[node] = form
            self._give_line(node)
            return
        self._forms[node] = target


def is_worth_writing(outputs: Sequence[IRNode]) -> bool:
    """Whether a program has anything that is written in a way of its own here: a reduction, a loop, an array of numbers that are
    known, or arrays that are not small, of which no variable should keep the memory."""
    return any(
        _reduces(node) or is_loop(node) or (node.shape and node.value is not None) or math.prod(node.shape) >= MANY
        for node in everything(outputs)
    )


def _times_through(node: IRNode, body: Body) -> int:
    """How often a list must be repeated so that a loop, which looks into it at `i % 5`, needs no more than i."""
    if node.operation is not index or not is_list(node.inputs[0]) or node.inputs[0] in body.own:
        return 0
    listed, place, *_ = node.inputs
    length = listed.shape[0]
    if place.operation is not arithmetic.mod or place.inputs[1].value != length or not _is_linear(place.inputs[0], body.number):
        return 0
    ends = [_in_round(place.inputs[0], body.number, number) for number in (body.rounds[0], body.rounds[-1])]
    return max(max(ends) // length + 1, -(min(ends) // length))  # a place below 0 is one from the end


def _is_linear(node: IRNode, number: IRNode) -> bool:
    """Whether it is the number of a round, once or several times, and so much more or less."""
    if node is number:
        return True
    moving = [part for part in node.inputs if part.value is None]
    is_one = node.operation in _LINEAR and len(moving) == 1
    return is_one and _is_linear(moving[0], number)


def _in_round(node: IRNode, number: IRNode, value: int) -> int:
    """What is linear in the number of a round, in a round."""
    if node is number or node.primitive is None:
        return value if node is number else int(node.value)
    return int(node.primitive.forward(*(_in_round(part, number, value) for part in node.inputs)))


def _is_square(node: IRNode) -> bool:
    """Whether it is the square of a single number, for which `**` takes several times as long as a product."""
    is_square = node.operation is arithmetic.power and is_number(node.inputs[1]) and node.inputs[1].value == 2
    return is_square and not node.shape and node.dtype == node.inputs[0].dtype and node.dtype.kind in "fc"


def _reduces(node: IRNode) -> np.ufunc | None:
    """The ufunc whose reduction an operation is; a mean is a sum, divided."""
    if node.operation is reductions.mean:
        return np.add
    return node.operation.reduces if node.operation else None


def _can_be_reduced(x: IRNode) -> bool:
    return bool(math.prod(x.shape) and x.shape) and x.dtype != np.float16  # which np.mean adds up with more precision


def _count(node: IRNode) -> int:
    """How many numbers a reduction takes together."""
    return math.prod(node.inputs[0].shape) // math.prod(node.shape)


def _empty(node: IRNode) -> str:
    """What a result is before the first block."""
    dtype = ast.unparse(literal(node.dtype))
    if not is_sum(node):
        return f"np.empty({node.shape}, {dtype})"
    return f"np.zeros({node.shape}, {dtype})" if node.shape else f"{dtype}(0)"


def _ufunc(node: IRNode) -> tuple[str, Sequence[IRNode]]:
    """The name of the NumPy function that an operation is, if it can write its result into an array that is given, and what it
    is applied to."""
    assert node.primitive is not None
    if node.operation is arithmetic.power and is_number(node.inputs[1]):  # for which ** has faster ways
        return ("square", node.inputs[:1]) if node.inputs[1].value == 2 else ("", ())
    ufunc = ufunc_of(node.primitive)
    is_usable = ufunc is not None and not node.params and hasattr(np, ufunc.__name__)
    return (ufunc.__name__, node.inputs) if ufunc is not None and is_usable else ("", ())


class _Buffers:
    """Arrays of the size of a block, which the operations of a region write into in turn."""

    def __init__(self, region: Region, scope: Scope) -> None:
        self._region, self._scope = region, scope
        self._to_be_read = Counter(part for node in region.nodes for part in node.inputs)
        self._of: dict[IRNode, str] = {}
        self._free: dict[Any, list[str]] = {}
        self._made: dict[str, str] = {}

    def read(self, node: IRNode) -> None:
        """A node has been computed; buffers of operands that are not needed again become free."""
        for part in node.inputs:
            self._to_be_read[part] -= 1
            if not self._to_be_read[part] and part in self._of:
                self._free.setdefault(self._kind(part), []).append(self._of.pop(part))

    def take(self, node: IRNode) -> str:
        """A buffer for a result."""
        shape, dtype = kind = self._kind(node)
        if not self._free.get(kind):
            name = self._scope.unique("buffer")
            self._made[name] = f"{name} = np.empty({(self._region.rows, *shape)}, {ast.unparse(literal(dtype))})"
            self._free.setdefault(kind, []).append(name)
        self._of[node] = self._free[kind].pop()
        return self._of[node]

    def _kind(self, node: IRNode) -> tuple[tuple[int, ...], Any]:
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
