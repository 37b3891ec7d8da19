"""Optimizers: how parameters move, given their gradients."""
