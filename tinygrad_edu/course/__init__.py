"""The course's exercises: `check` says whether an answer is right and, if not, what is wrong with it.

Read in this order: `exercise` (what can be asked, and what is said of an answer), `exercises` (the questions, by lesson),
`progress` (what was done, in a file), `asking` (what a learner calls). NumPy alone is enough for it.
"""

from tinygrad_edu.course.asking import check, hint, solution

__all__ = ["check", "hint", "solution"]
