"""The way of a case: localize every disc, crop a box, segment it, assemble the label map and name the discs."""
