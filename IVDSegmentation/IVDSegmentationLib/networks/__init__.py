"""The networks: architectures, what goes into them, and weights on disk with their model card.

A released model (`models.py`) is a folder of weights and a card whose checksums are compared before anything is read. An engine
(`engine.py`) makes networks of them: OpenVINO or TensorFlow, whichever is installed, behind one protocol. The package knows
arrays; what they mean for a spine is in `pipeline`.
"""

DEFAULT_MODEL = "default"
"""Name of the model that is released with this version."""
