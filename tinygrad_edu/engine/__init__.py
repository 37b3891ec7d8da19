"""The engine: a Value records how it was made, and the chain rule runs back over that record.

Read in this order:

1. `value`: a number or an array that records each operation, and what it holds (`state`); NumPy's functions work on it
   (`numpy_protocols`), and it has the methods of NumPy's arrays (`array_methods`).
2. `backpropagation`: the chain rule, one loop over the record, newest first.
3. `ownership`: which arrays are the engine's own, and how a change in place is noticed.
4. `mode`: whether the record is kept, and who watches it.

Around them: `conversions` and `takers` see to it that a Value never turns into plain numbers unasked,
`arguments` and `messages` speak with the user, `user_primitive` makes operations of one's own. The table of rules is
in `primitives`, below.
"""
