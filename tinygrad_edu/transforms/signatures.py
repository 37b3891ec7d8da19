"""What type checkers are told of the transforms: a transform of `f` keeps the parameters of `f`. Nothing here runs.

A gradient has the type of the argument that it belongs to. Where `f` calls its first argument a Value, which it is inside of `f`,
the caller may pass whatever makes one, and gets arrays and numbers, or Values in a nested transform.
"""

from typing import Any, ParamSpec, Protocol, TypeVar, TypeVarTuple

from tinygrad_edu.engine.value import Value

P = ParamSpec("P")
Argument = TypeVar("Argument")
Primals = TypeVarTuple("Primals")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)
Aux = TypeVar("Aux")


class OfValue(Protocol[P]):
    """A function that calls its first argument a Value."""

    def __call__(self, argument: Value, /, *args: P.args, **kwargs: P.kwargs) -> Any: ...


class OfNumbers(Protocol[P, Result_co]):
    """What a transform makes of it: a function of plain numbers, too.

    The argument is Any, since mypy takes a transform within a transform for such a function, whatever its first argument is.
    """

    def __call__(self, argument: Any, /, *args: P.args, **kwargs: P.kwargs) -> Result_co: ...
