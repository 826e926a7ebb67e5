"""The levels of the spine: their names, labels and colours, and how discs are named.

`labelling.py` has the names and the label values, which are fixed for life. `evidence.py` asks the level network what each
candidate of a chain is, `chain.py` sums that over all readings of the chain, and `naming.py` makes names, their probability and
findings of it. `renamed` there is what happens when a person names the lowest disc.
"""
