"""Which reader a volume file has, by its name."""

from __future__ import annotations

from .metaimage import read_metaimage, size_of_metaimage
from .nifti import read_nifti, size_of_nifti
from .nrrd import read_nrrd, size_of_nrrd

READERS = {
    **dict.fromkeys((".nii", ".gz"), read_nifti),
    **dict.fromkeys((".nrrd", ".nhdr"), read_nrrd),
    **dict.fromkeys((".mha", ".mhd"), read_metaimage),
}
"""Last suffix of a file's name -> what reads it. None of them is ITK's: those fill in what is missing, and some headers make
them end the process."""

SIZES = {
    **dict.fromkeys((".nii", ".gz"), size_of_nifti),
    **dict.fromkeys((".nrrd", ".nhdr"), size_of_nrrd),
    **dict.fromkeys((".mha", ".mhd"), size_of_metaimage),
}
"""Last suffix of a file's name -> what tells the length of its axes from its header alone."""
