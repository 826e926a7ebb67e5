"""The way of a case: localize every disc, crop a box around it, segment it, assemble the label map and name the discs.

`Pipeline.segment(case, request)` is the one way through (`segment.py`), for Python, the command line, the worker and the panel,
and a `Segmentation` is its one result: it carries labels, probability and findings, and has measurements and surfaces computed
when they are first asked for.
"""
