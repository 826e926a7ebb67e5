"""Training, cross-validation and release of the networks; what the `ivdseg train`, `crossvalidate` and `release` commands do.

Scans of several sources, each with its reference, and phantoms become endless augmented samples. A preset says which
network is trained on them and how. Cross-validation leaves out whole persons. A release is a folder of weights with a card
that says what they were trained on and how good they are. Nothing here is needed to segment.
"""
