"""The parts of the module that know Slicer: scene nodes, panel, set-up. The only package that imports slicer, qt or ctk.

`logic.py` is what a script calls: it makes a case of nodes, has the worker segment it, and makes nodes of the result
(`result_nodes.py`). `panel.py` and the sections show it. Positions become RAS here, and texts those of Slicer's language.
"""
