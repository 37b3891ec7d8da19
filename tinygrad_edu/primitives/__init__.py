"""The op table, by family. Importing a family adds its entries; nothing else has to be edited to add one."""

from tinygrad_edu.primitives import (
    arithmetic,
    broadcasting,
    constants,
    curves,
    diagonals,
    einstein,
    elementwise,
    indexing,
    joining,
    linear_algebra,
    padding,
    reductions,
    selection,
    shaping,
)

__all__ = [
    "arithmetic",
    "broadcasting",
    "constants",
    "curves",
    "diagonals",
    "einstein",
    "elementwise",
    "indexing",
    "joining",
    "linear_algebra",
    "padding",
    "reductions",
    "selection",
    "shaping",
]
