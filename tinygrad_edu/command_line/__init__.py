"""`python -m tinygrad_edu`: the course; models trained on a user's tables and applied to them, without a line of Python.

Read in this order: `commands` (what can be typed), `tables` (a CSV file as columns of text), `columns` (what they mean),
`material` (what is trained with), `trained` (a model with its columns, in a file), `training` and `predicting` (the commands),
`report` and `words` (what they say); `learning` (the course's lessons, listed and opened).
"""

from tinygrad_edu.command_line.commands import main

__all__ = ["main"]
