"""tinygrad_edu: automatic differentiation that shows its work."""

from tinygrad_edu import errors
from tinygrad_edu.value import Value, no_grad

__all__ = ["Value", "errors", "no_grad"]
