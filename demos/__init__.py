"""Demonstrations of tinygrad_edu: `python -m demos` runs all of them.

A demo is a module here with a `TITLE` in both languages, its `ORDER` among the others, and a function `run(stage)`.
It is found by being here.
"""
