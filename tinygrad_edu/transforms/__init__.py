"""From a function to its derivatives. Each transform calls the function on Values and applies the chain rule to what that leaves.

`trees` walks through containers of arrays, `tracing` calls the function and holds what it recorded; on these stand `gradients`,
`products` (pullback, forward mode) and `matrices` (Jacobian, Hessian). `checkpointing` trades time for memory, and `anomaly` finds
where a NaN came from.
"""
