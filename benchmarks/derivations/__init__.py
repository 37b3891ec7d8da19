"""Classics of machine learning: the gradient that one derives by hand, beside the one that is derived from the function.

`classics` has the functions without a recurrence and `recurrences` those with one; `page` writes them side by side.
"""
