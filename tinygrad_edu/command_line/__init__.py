"""`python -m tinygrad_edu`: the course, formulas and models, without a line of Python.

Read in this order: `commands` (what can be typed), `tables` (a CSV file as columns of text), `columns` (what they mean),
`material` (what is trained with), `trained` (a model with its columns, in a file), `training` and `predicting` (the commands),
`report` and `words` (what they say); `formulas` (a formula, read and never run), `arithmetic` (what it computes with), `given`
(its values), `explaining` (its chain rule), `stepping`, `reasons` and `descending` (gradient descent on it, and why); `learning`
(the lessons, listed and opened).
"""

from tinygrad_edu.command_line.commands import main

__all__ = ["main"]
