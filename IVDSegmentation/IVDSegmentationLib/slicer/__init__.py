"""The parts of the module that know Slicer: scene nodes, panel, set-up. The only package that imports slicer, qt or ctk."""
