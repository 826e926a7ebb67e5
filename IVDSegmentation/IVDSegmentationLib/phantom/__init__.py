"""A Dixon phantom of the lumbar spine with exact truth: channels as a scanner gives them, labels, measures of each disc.

Discs are closed forms, so that their volumes, heights and angles are known exactly. Bones, muscles, fat, vessels, bowel
and canal surround them, with partial volume, noise, bias and chemical shift. A seed determines the phantom; an `Anatomy`
asks for what is rare: cut fields of view, transitional vertebrae, fused levels, scoliosis, degeneration. Tests, the sample
case in Slicer, and a part of the training samples are phantoms. `check.py` compares the released model with their labels.
"""

from .anatomy import Anatomy
from .examination import Phantom, check_phantom_folder, make_phantom, write_phantom_case
from .truth import DiscTruth

__all__ = ["Anatomy", "DiscTruth", "Phantom", "check_phantom_folder", "make_phantom", "write_phantom_case"]
