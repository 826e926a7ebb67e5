"""The paper, reproduced: its systems, its trainings, and every one of its tables by `ivdseg paper`.

docs/paper.md says how the paper was read where it contradicts itself or leaves something open.
"""
