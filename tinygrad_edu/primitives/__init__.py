"""The op table, by family. Importing a family adds its entries; nothing else has to be edited to add one."""

from tinygrad_edu.primitives import (
    arithmetic,
    broadcasting,
    constants,
    elementwise,
    indexing,
    linear_algebra,
    reductions,
    shaping,
)

__all__ = [
    "arithmetic",
    "broadcasting",
    "constants",
    "elementwise",
    "indexing",
    "linear_algebra",
    "reductions",
    "shaping",
]
