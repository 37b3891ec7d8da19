"""What the readers of the record share: the graph of a result as an ordered list of named nodes, formulas as syntax trees, and what
the user's own functions call things and in which line they compute them."""
