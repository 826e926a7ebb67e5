"""Intervertebral discs from Dixon MRI of the lumbar spine: segmented, named and measured."""

__version__ = "0.1.0"
