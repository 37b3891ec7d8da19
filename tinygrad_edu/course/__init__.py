"""The course: its exercises, of which `check` says whether an answer is right and, if not, what is wrong with it, and its lessons.

Read in this order: `exercise` (what can be asked, and what is said of an answer), `exercises` (the questions, by lesson),
`progress` (what was done, in a file), `asking` (what a learner calls); `texts` (where the lessons are), `building` (a lesson as a
page). NumPy alone is enough for all but the pages.
"""

from tinygrad_edu.course.asking import check, hint, solution

__all__ = ["check", "hint", "solution"]
