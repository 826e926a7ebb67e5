"""Results as DICOM: a segmentation (SEG) and a measurement report (TID 1500), for an archive to file beside the images.

Both carry the patient and study of the images they belong to, without which an archive cannot file them. No other output of
the project names a patient. The package needs highdicom (`pip install "ivdsegmentation[dicom]"`), which is imported when
something is written.
"""

from .write import DICOM_OUTPUTS, dicom_is_installed, write_dicom

__all__ = ["DICOM_OUTPUTS", "dicom_is_installed", "write_dicom"]
