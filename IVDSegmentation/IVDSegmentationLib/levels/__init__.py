"""The levels of the spine: their names, labels and colours, and how discs are named."""
