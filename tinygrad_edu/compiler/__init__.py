"""Compiling: from a function, or a transform of one, to the NumPy program that one would have written by hand.

Four rooms, each readable on its own:

1. `tracing`: a run of the function becomes a graph, the intermediate representation (`ir`); `randomness` tells whether chance had a
   part in it.
2. `rolling`: what repeats itself in it (`repetition`, with `further_rounds` that differ a little; what `rounds` are) becomes a
   loop, one node with a graph of its own (`loops`).
3. `rewriting`: the graph becomes the simplest one, node by node (`building`), by the table of `identities`; Einstein sums become
   products of matrices (`contractions`).
4. `emitting`: the graph becomes source. How a single operation is written is said in `forms`, what it needs by name in its `scope`;
   parts of an array are added in place (`accumulation`); loops are written by `loop_emitting`; where it pays `fast_emitting` writes
   it all once more, large parts in `blocks`.

`programs` goes through them in turn, for NumPy (`numpy_programs`) or JAX (`jax_programs`), and writes the tree that is returned
(`returning`). `compiled` is what a user calls; `calling` finds the program for the arguments of a call, by `guards` or in its
`store`. Nothing below this package knows it.
"""

from tinygrad_edu.compiler.compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
