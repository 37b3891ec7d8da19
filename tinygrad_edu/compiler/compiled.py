"""`compile`, as a user calls it, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, overload

from tinygrad_edu.compiler.calling import TARGETS, Compilation
from tinygrad_edu.engine.arguments import check_function
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.transforms.signatures import P, Result, Result_co


class Compiled(Protocol[P, Result_co]):
    """What `compile` returns: a function of the same arguments.

    source: the newest program, to be read, and to be run anywhere with NumPy alone.
    optimized_source: the one that runs, where it differs.
    lines: pairs of a line of `source` and the line of the user's function that it comes from, both by their numbers.
    """

    source: str
    optimized_source: str
    lines: list[tuple[int, int]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result_co: ...


@overload
def compile(f: Callable[P, Result], *, static: tuple[str, ...] = (), maxsize: int = 256) -> Compiled[P, Result]: ...
@overload
def compile(f: Callable[P, Any], target: str, static: tuple[str, ...] = (), maxsize: int = 256) -> Compiled[P, Any]: ...
def compile(f: Callable[..., Any], target: str = "numpy", static: tuple[str, ...] = (), maxsize: int = 256) -> Compiled[..., Any]:
    """A function that does what `f` does, by a program that was generated for the shapes and dtypes of its arguments.

    The first call records what `f` does, simplifies it and writes it down as NumPy code; every call runs that code. A loop of
    `f`, of which each round was recorded, is written as a loop again, and so is the way back through it.
    Arguments of other shapes, dtypes or structure are recorded anew, and so is a function that finds other things around it:
    numbers, arrays, functions, objects that it closes over, or has by a global name or as an attribute (`self.rate`).
    What is looked at is whether these are the same ones, with the same numbers in them. Of an array of more than 1,024 numbers some
    are looked at, evenly spaced, and of a list or dict the first 1,024 parts. A change in place of others goes unnoticed, and so
    does one behind a weak reference or a context variable, in a library's own code, or of what the function finds without
    naming it (`getattr(x, name)`, a file, the time). Pass these as arguments.

    What has one form for some numbers and another one for others has the form that fits all: eigenvalues (`np.linalg.eig`) are
    complex, the product of `np.polymul` keeps zeros in front. What has no such form, as `np.unique`, is refused.

    Parameters
    ----------
    f: a function of numbers, arrays and trees of them: a loss, a transform of one such as `value_and_grad(loss)`, a training step.
        Text, booleans, None and functions among its arguments are part of the program, and so are numbers that are not passed since
        they have a default. Values that it uses without getting them as arguments are read anew at each call.
    target: "numpy", or "jax" (`pip install "tinygrad_edu[jax]"`): the same program with `jax.numpy` under `jax.jit`, for
        graphics cards, and for several devices at once. It takes NumPy's and JAX's arrays and returns JAX's, on the devices where
        its arguments were. Double precision, which is NumPy's, JAX must be told of: `jax.config.update("jax_enable_x64", True)`.
        JAX's whole numbers have 64 bits. Each call looks whether Python's, and what is computed of them alone, do with these; those
        in arrays overflow without a word, as NumPy's do.
    static: names of parameters that are part of the program, too, such as an integer for `range`. They are compared by value.
    maxsize: how many programs are kept. Of more than these the one goes that has not been used for longest.

    Returns
    -------
    A function of the same arguments. It returns plain arrays and numbers: Python's own where all arguments that matter are Python's
    (a root of a negative one is NaN, and `round` is `np.round`, as NumPy has them). Its `.source` is the newest program, its
    `.optimized_source` the form in which it runs. What `f` binds to a local variable is called so in the source; a name that was
    given, `value.named("y")`, counts more. `.lines` are pairs: the number of a line of `.source` (from 1), and the number, in its
    file, of the line of `f` that it comes from: that of the call, where `f` calls another function, and that of the operation,
    where it is the derivative of one. Given Values, or inside of what is being differentiated or compiled, it calls `f` itself.
    Another process gets it by name, as any function, and records programs of its own: it can be pickled where it has the name of
    `f`, as after `@tg.compile`, in a module. A method that was compiled, `self.step = tg.compile(self._step)`, is that of this
    object, also in a copy of it: there, compile it anew.

    Raises
    ------
    TracingError: at the first call, if what `f` does depends on the numbers of its arguments (an `if`, `float()`) or on chance.
    DataError: if an argument is none of the above.
    UnsupportedError: if JAX cannot run the program, or not with whole numbers as large as these.
    MissingExtraError: if the target is not installed.

    >>> import tinygrad_edu as tg
    >>> def loss(theta, x, t):
    ...     return 0.5 * (t - theta * x) ** 2
    >>> step = tg.compile(tg.value_and_grad(loss))
    >>> step(3.0, 2.0, 8.0)
    (2.0, -4.0)
    >>> print(step.source)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss(theta, x, t):
        \"\"\"loss, recorded for theta a Python float; x a Python float; t a Python float.\"\"\"
        difference = t - theta * x
        loss = 0.5 * difference ** 2
        d_theta = -difference * x
        return loss, d_theta
    <BLANKLINE>
    """
    check_function("tg.compile", f)
    if target not in TARGETS:
        raise DataError(f"target must be one of {', '.join(map(repr, TARGETS))}, not {target!r}")
    if type(maxsize) is not int or maxsize < 1:
        raise DataError(f"maxsize must be a whole number from 1 on, how many programs are kept, but is {shortened(maxsize)}.")
    compiled: Compiled[..., Any] = Compilation(f, target, static, maxsize).entry
    return compiled
