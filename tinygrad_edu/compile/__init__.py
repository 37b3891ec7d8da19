"""Compiling: from a function, or a transform of one, to the NumPy program that one would have written by hand.

Three rooms, each readable on its own: `recording` (a run of the function becomes a graph of `nodes`), `simplification` (the graph
becomes the simplest one, by the table of `identities`) and `emission` (the graph becomes source; `fast_emission` writes it once
more, large parts in `blocks`). `programs` goes through them in turn, for NumPy (`numpy_programs`) or JAX (`jax_programs`), and
`calling` finds the program for the arguments of a call. Nothing below this package knows it.
"""

from tinygrad_edu.compile.calling import Compiled, compile

__all__ = ["Compiled", "compile"]
