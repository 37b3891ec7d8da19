"""What the readers of the record share: the graph of a result as an ordered list of named nodes, and formulas as syntax trees."""
