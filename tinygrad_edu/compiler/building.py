"""Making the node for an operation in its simplest form.

Operations that only the engine needs are said in terms of simpler ones, constants are folded, repetition is put off until after
elementwise operations, and the identities are applied. This module knows operations, and no derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.compiler.brief_indices import brief, goes_forward
from tinygrad_edu.compiler.contractions import as_products
from tinygrad_edu.compiler.identities import IDENTITIES, Identity
from tinygrad_edu.compiler.ir import (
    IRGraph,
    IRNode,
    PythonNumber,
    Rank,
    Type,
    are_mixed,
    frozen,
    is_elementwise,
    is_number,
    is_ordinary,
    kind_of,
    result_type,
)
from tinygrad_edu.compiler.loops import everything, is_list
from tinygrad_edu.primitives import (
    arithmetic,
    broadcasting,
    einstein,
    indexing,
    joining,
    linear_algebra,
    reductions,
    shaping,
    special,
)
from tinygrad_edu.primitives.primitive import Primitive

_REWRITINGS: dict[Primitive, Callable[..., IRNode | None]] = {}


def _rewrites(primitive: Primitive) -> Callable[[Any], Any]:
    """The decorated method of a Builder says this operation in simpler terms, or gives None where it has none."""
    return partial(_REWRITINGS.setdefault, primitive)


class Builder:
    """Makes nodes in their simplest form, in a graph of its own. `outputs` are those of the program that is simplified."""

    def __init__(self, outputs: Sequence[IRNode]) -> None:
        self.graph = IRGraph()
        self._made: dict[Any, IRNode] = {}
        # Where all numbers have double precision, Python's are like NumPy's.
        self._is_mixed = are_mixed(everything(outputs))

    # --- from traced nodes ---------------------------------------------------------------------------------------------------

    def rebuilt(self, node: IRNode, inputs: tuple[IRNode, ...]) -> IRNode:
        """A traced node, given its inputs in simplest form."""
        like = node.shape, self._dtype(node.dtype)
        if node.name:
            return self.graph.input(node.name, *like)
        if node.primitive is None:
            return self.constant(node.value)
        return self.made(node.primitive, inputs, node.params, like)

    def _dtype(self, dtype: Any) -> Any:
        return np.dtype(dtype.type) if isinstance(dtype, PythonNumber) and not self._is_mixed else dtype

    def constant(self, value: Any) -> IRNode:
        """A constant. An array that repeats one number is said to do so; a number is written in the simplest way."""
        array = np.asarray(value)
        if array.ndim and array.size and array.tobytes() == array.size * array.flat[0].tobytes():
            return self._broadcast(self.constant(array.flat[0]), array.shape)
        if array.ndim == 0 and not self._is_mixed and array.dtype in (np.float64, np.int64):
            value = array.item()
        node = self.graph.constant(value)
        node.dtype = self._dtype(node.dtype)
        return node

    # --- making --------------------------------------------------------------------------------------------------------------

    def make(self, primitive: Primitive | None, inputs: Sequence[IRNode], params: Mapping[str, Any] | None = None) -> IRNode:
        """The simplest node for an operation; without one, the constant `params["value"]`."""
        if primitive is None:
            return self.constant((params or {})["value"])
        shape, dtype = result_type(primitive, inputs, params or {})
        return self.made(primitive, inputs, params or {}, (shape, self._dtype(dtype)))

    def made(self, primitive: Primitive, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode:
        """The same where the result's shape and dtype are known."""
        key = primitive, tuple(inputs), frozen(dict(sorted(params.items()))), like
        if key not in self._made:  # transposing a long product, say, leads to the same nodes again and again
            self._made[key] = self._made_anew(primitive, inputs, params, like)
        return self._made[key]

    def _made_anew(self, primitive: Primitive, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode:
        if primitive.code == "{0}" and (inputs[0].shape, inputs[0].dtype) == like:  # what is written as its input is its input
            return inputs[0]
        said = _REWRITINGS.get(primitive.form_of or primitive)
        if said is not None:
            node = said(self, inputs, params, like)
            if node is not None:
                return node
        if is_elementwise(primitive):
            if any(part.operation is broadcasting.broadcast_to for part in inputs):
                return self._broadcast(self.make(primitive, [_unrepeated(part) for part in inputs], params), like[0])
            inputs = self._without_leading_axes(inputs, like[0])
            inputs = self._weakened(primitive, inputs, params, like[1])
            if primitive is arithmetic.multiply and is_number(inputs[1]) and not is_number(inputs[0]):
                inputs = inputs[::-1]  # x * 2 is written 2 * x
        folded = self._folded(primitive, inputs, params, like)
        if folded is not None:
            return folded
        node = self.graph.apply(primitive, inputs, params, like)
        tests = [_has_no_name] if primitive is shaping.transpose else []  # K.T is best, where K = X @ W is a variable
        for identity in _BY_OPERATION.get(primitive, ()) if is_ordinary(node) else ():
            after = identity.applied(node, self.make, *tests)
            if after is not None:
                return after
        return node

    def _without_leading_axes(self, inputs: Sequence[IRNode], shape: tuple[int, ...]) -> Sequence[IRNode]:
        """Operands without axes of length one in front, where broadcasting puts them there anyway."""
        inputs = list(inputs)
        for position, part in enumerate(inputs):
            shorter = self._without_first_axes(part)
            if shorter is not None:
                others = [other.shape for other in inputs[:position] + inputs[position + 1 :]]
                if np.broadcast_shapes(shorter.shape, *others) == shape:
                    inputs[position] = shorter
        return inputs

    def _without_first_axes(self, x: IRNode) -> IRNode | None:
        """The array without first axes of length one, if it was given them, or kept them, only for broadcasting."""
        if x.operation is shaping.reshape:
            (whole,) = x.inputs
            added = len(x.shape) - len(whole.shape)
            return whole if added > 0 and x.shape == (1,) * added + whole.shape else None
        if x.operation is indexing.index and "index" in x.params:
            index = x.params["index"]
            return x.inputs[0] if all(part is None for part in (index if type(index) is tuple else (index,))) else None
        if x.operation is reductions.sum and x.params.get("keepdims"):
            over = {key: value for key, value in x.params.items() if key != "keepdims"}
            axis = over.get("axis", tuple(range(len(x.shape))))
            return self.make(reductions.sum, x.inputs, over) if axis in (0, tuple(range(np.size(axis)))) else None
        if x.operation is arithmetic.multiply and is_number(x.inputs[0]):  # as in a mean
            shorter = self._without_first_axes(x.inputs[1])
            return shorter and self.make(arithmetic.multiply, [x.inputs[0], shorter])
        return None

    def _weakened(self, primitive: Primitive, inputs: Sequence[IRNode], params: Mapping[str, Any], dtype: Any) -> Sequence[IRNode]:
        """With NumPy's numbers as Python's, where they meet arrays of their own or of a higher precision, which they become."""
        if not self._is_mixed:
            return inputs
        others = [part.dtype for part in inputs if part.value is None and isinstance(part.dtype, np.dtype)]
        if not others or len(others) == len(inputs):
            return inputs
        weak = [self._weak(part, np.result_type(*others)) for part in inputs]
        return weak if result_type(primitive, weak, params)[1] == dtype else inputs

    def _weak(self, node: IRNode, met: Any) -> IRNode:
        """A number as one of Python's, if that becomes the same when it meets the dtype: it may have fewer digits."""
        if node.value is None or node.shape or isinstance(node.dtype, PythonNumber) or node.dtype.kind not in "fi":
            return node
        if np.result_type(node.dtype, met) != met:
            return node
        if node.dtype.kind == "i":
            return self.graph.constant(int(node.value))
        weak = float(str(node.value)) if node.dtype == met else float(node.value)
        return self.graph.constant(weak) if node.dtype.type(weak) == node.value or np.isnan(weak) else node

    def _folded(self, primitive: Primitive, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """The result, if it is known and does not take more memory than what it is computed from."""
        if any(part.value is None for part in inputs) or math.prod(like[0]) > max(math.prod(part.shape) for part in inputs):
            return None
        try:
            with np.errstate(all="ignore"):
                value = primitive.forward(*(part.value for part in inputs), **params)
        except ArithmeticError:  # Python's division by zero; NumPy will say what comes of it
            return None
        return self.constant(value) if self._dtype(kind_of(value)) == like[1] else None

    # --- what the engine says in its own way ---------------------------------------------------------------------------------

    def _broadcast(self, node: IRNode, shape: tuple[int, ...]) -> IRNode:
        node = _unrepeated(node)
        if node.shape == shape:
            return node
        return self.graph.apply(broadcasting.broadcast_to, (node,), {"shape": shape}, (shape, node.dtype))

    def _numpys(self, node: IRNode) -> IRNode:
        """A number of Python's as one of NumPy's, which is what becomes of it in an array."""
        if not isinstance(node.dtype, PythonNumber):
            return node
        dtype = np.dtype(node.dtype.type)
        return self.made(broadcasting.cast, [node], {"dtype": dtype}, ((), dtype))

    @_rewrites(broadcasting.broadcast_to)
    def broadcast_to(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode:
        """Repetition of what is repeated already, or not at all."""
        return self._broadcast(self._numpys(inputs[0]), like[0])

    @_rewrites(broadcasting.cast)
    def cast(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """Another dtype, after repetition."""
        node = inputs[0]
        if node.operation is broadcasting.broadcast_to:
            return self._broadcast(self.make(broadcasting.cast, node.inputs, params), like[0])
        if node.value is not None and not node.shape:  # it may be one of Python's, which cannot be cast
            return self.constant(like[1].type(node.value))
        return node if (node.shape, node.dtype) == like else None

    @_rewrites(broadcasting.sum_to)
    def sum_to(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode:
        """The sum over the axes that broadcasting added or repeated."""
        (x,) = inputs
        extra = len(x.shape) - len(like[0])
        axes = broadcasting.repeated_axes(x.shape, like[0])
        keepdims = extra == 0 and any(i >= extra for i in axes)
        return self._reshaped(self.make(reductions.sum, [x], _over(axes, len(x.shape), keepdims)), like[0])

    @_rewrites(reductions.sum)
    def sum(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """Sums over no axis, and over axes along which a number is repeated."""
        (x,) = inputs
        axis, keepdims = params.get("axis"), bool(params.get("keepdims", False))
        given = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted(i % len(x.shape) for i in given)) if x.shape else ()  # NumPy's numbers have an axis 0, too
        normal = _over(axes, len(x.shape), keepdims)
        if not axes and x.dtype == like[1]:
            return x
        if x.operation is broadcasting.broadcast_to:
            whole = self._reshaped(x.inputs[0], (1,) * (len(x.shape) - len(x.inputs[0].shape)) + x.inputs[0].shape)
            repeated = [i for i in axes if whole.shape[i] != x.shape[i]]
            if repeated:
                rest = tuple(i for i in axes if i not in repeated)
                total = self.make(reductions.sum, [whole], _over(rest, len(x.shape), keepdims=True)) if rest else whole
                times = self.constant(like[1].type(math.prod(x.shape[i] for i in repeated)))
                product = self.make(arithmetic.multiply, [times, total])
                kept = tuple(1 if i in axes else total.shape[i] for i in range(len(x.shape)))
                shape = kept if keepdims else tuple(n for i, n in enumerate(kept) if i not in axes)
                return self._broadcast(self._reshaped(product, shape), like[0])
        return None if params == normal else self.make(reductions.sum, [x], normal)

    @_rewrites(reductions.mean)
    def mean(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """The sum divided by how many they are. (NumPy adds half-precision numbers in single precision, so these stay.)"""
        (x,) = inputs
        if (
            isinstance(x.dtype, PythonNumber)
            or x.dtype.kind not in "fc"
            or x.dtype.itemsize < 4
            or x.dtype.char in "gG"
            or not math.prod(like[0])
            or not math.prod(x.shape)
        ):
            return None
        total = self.make(reductions.sum, [x], params)
        return self.make(arithmetic.multiply, [self.constant(1 / (math.prod(x.shape) / math.prod(like[0]))), total])

    @_rewrites(special.logsumexp)
    def logsumexp(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """Of floating-point numbers: those that NumPy makes of masks and bytes, in the form in which it is written, are halves."""
        (x,) = inputs
        if x.dtype.kind in "fc":
            return None
        return self.make(special.logsumexp, [self.made(broadcasting.cast, [x], {"dtype": like[1]}, (x.shape, like[1]))], params)

    def _reshaped(self, x: IRNode, shape: tuple[int, ...]) -> IRNode:
        """In another shape; of what is repeated or reshaped already, only the last shape counts."""
        while x.operation is shaping.reshape and "order" not in x.params:
            (x,) = x.inputs
        if x.shape == shape:
            return x
        if x.operation is broadcasting.broadcast_to and x.inputs[0].shape == ():
            return self._broadcast(x.inputs[0], shape)
        if x.operation is arithmetic.negative:
            return self.make(arithmetic.negative, [self._reshaped(x.inputs[0], shape)])
        if x.operation is arithmetic.multiply and is_number(x.inputs[0]):
            return self.make(arithmetic.multiply, [x.inputs[0], self._reshaped(x.inputs[1], shape)])
        if x.operation is reductions.sum and x.params.get("keepdims"):
            over = {key: value for key, value in x.params.items() if key != "keepdims"}
            total = self.make(reductions.sum, x.inputs, over)
            if total.shape == shape:
                return total
        if len(x.shape) == 1 and shape in ((1, *x.shape), (*x.shape, 1)):  # a vector as a row or a column, and back
            return self.make(indexing.index, [x], {"index": None if shape[0] == 1 else (slice(None), None)})
        if x.operation is linear_algebra.matmul and x.shape in ((1, *shape), (*shape, 1)):
            return self.make(indexing.index, [x], {"index": 0 if x.shape == (1, *shape) else (*(slice(None) for _ in shape), 0)})
        return self.graph.apply(shaping.reshape, [x], {"shape": shape}, (shape, x.dtype))

    @_rewrites(shaping.reshape)
    def reshape(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """In C order, with the shape spelt out."""
        return self._reshaped(self._numpys(inputs[0]), like[0]) if params.get("order", "C") == "C" else None

    @_rewrites(indexing.scatter)
    def scatter(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """What fills the whole array, from its beginning to its end, only gets another shape."""
        index, (g, *positions) = params.get("index"), inputs
        parts = index if type(index) is tuple else (index,)
        is_forward = all(part is None or part is ... or isinstance(part, int) or goes_forward(part) for part in parts)
        if is_forward and not positions and math.prod(g.shape) == math.prod(like[0]):
            return self._reshaped(g, like[0])
        if positions or frozen(brief(index, like[0])) == frozen(index):
            return None
        return self.make(indexing.scatter, inputs, {**params, "index": brief(index, like[0])})

    @_rewrites(einstein.einsum)
    def einsum(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """Products of matrices, where these are meant."""
        node = as_products(inputs, params["subscripts"], params.get("optimize", False), self.make)
        return node if node is not None and (node.shape, node.dtype) == like else None

    @_rewrites(joining.concatenate)
    def concatenate(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """One array, joined with nothing."""
        return inputs[0] if len(inputs) == 1 and inputs[0].shape == like[0] else None

    @_rewrites(joining.stack)
    def stack(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """One array gets a new axis."""
        return self.expand_dims(inputs, params, like) if len(inputs) == 1 and not is_list(inputs[0]) else None

    @_rewrites(shaping.expand_dims)
    def expand_dims(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode:
        """New axes are written x[:, None], as one would by hand."""
        axes = params["axis"] if isinstance(params["axis"], tuple | list) else (params["axis"],)
        new = {axis % len(like[0]) for axis in axes}
        if inputs[0].shape == () or _unrepeated(inputs[0]).shape == ():
            return self._reshaped(self._numpys(inputs[0]), like[0])
        index = tuple(None if axis in new else slice(None) for axis in range(len(like[0])))
        return self.make(indexing.index, inputs, {"index": index})

    @_rewrites(indexing.index)
    def index(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """A part of one repeated number is that number, repeated. For an array of one or two axes an index is given briefly."""
        x = inputs[0]
        if x.shape == () and math.prod(like[0]) == 1:  # x[()], x[None]
            return self._reshaped(self._numpys(x), like[0])
        if x.operation is broadcasting.broadcast_to and x.inputs[0].shape == ():
            return self._broadcast(x.inputs[0], like[0])
        if "index" not in params:  # some of it has been recorded
            return None
        index = brief(params["index"], x.shape)
        if type(index) is slice and index == slice(None):
            return x
        return None if frozen(index) == frozen(params["index"]) else self.made(indexing.index, inputs, {"index": index}, like)

    @_rewrites(shaping.transpose)
    def transpose(self, inputs: Sequence[IRNode], params: Mapping[str, Any], like: Type) -> IRNode | None:
        """Axes in reverse order are x.T."""
        (x,) = inputs
        if x.operation is broadcasting.broadcast_to and x.inputs[0].shape == ():
            return self._broadcast(x.inputs[0], like[0])
        ndim, axes = len(x.shape), params.get("axes")
        axes = tuple(range(ndim))[::-1] if axes is None else tuple(int(axis) % ndim for axis in axes)
        if axes == tuple(range(ndim)):
            return x
        normal = {} if axes == tuple(range(ndim))[::-1] else {"axes": axes}
        return None if params == normal else self.make(shaping.transpose, [x], normal)


def _has_no_name(node: IRNode) -> bool:
    return node.label is None or node.label.rank < Rank.VARIABLE


def _unrepeated(node: IRNode) -> IRNode:
    return node.inputs[0] if node.operation is broadcasting.broadcast_to else node


def _over(axes: tuple[int, ...], ndim: int, keepdims: bool) -> dict[str, Any]:
    """The parameters of a reduction, in the shortest way."""
    params: dict[str, Any] = {} if len(axes) == ndim else {"axis": axes[0] if len(axes) == 1 else axes}
    return {**params, "keepdims": True} if keepdims else params


_BY_OPERATION: dict[Primitive | None, list[Identity]] = {}
for _identity in IDENTITIES:
    _BY_OPERATION.setdefault(_identity.operation, []).append(_identity)
