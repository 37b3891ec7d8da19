"""From a function to its derivative: `grad`, `jvp`, `vjp`, `jacobian`, `hessian`, and what changes how a derivative is computed."""
