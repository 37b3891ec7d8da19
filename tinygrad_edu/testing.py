"""Checking gradients against differences."""
