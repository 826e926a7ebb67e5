"""What is measured of a segmentation: sizes, contrast, surfaces, quality flags, and agreement with a reference.

Every disc is measured in a frame of its own (`frame.py`), so that heights and widths do not depend on how a person lay.
`measured_case.py` puts all of it together, once for a segmentation. `agreement.py` compares with one reference, `evaluation.py`
many predictions with many. The package takes label maps and probabilities (`segmented.py`) and knows no network.
"""
