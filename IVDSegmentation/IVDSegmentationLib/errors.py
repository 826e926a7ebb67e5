"""The errors of the library. Each message is one sentence that says what is wrong, where, and what to do.

No message names a patient: files, nodes and series are named, never what their headers say of a person.
"""


class IVDSegmentationError(Exception):
    """Base of all errors that the library raises on purpose."""


class InputError(IVDSegmentationError):
    """The input cannot be used. The message names the file, node or argument."""


class OutputError(IVDSegmentationError):
    """A result could not be written. What was there before is unchanged."""


class ModelError(IVDSegmentationError):
    """A model's weights are missing, altered, or do not fit the networks of this version."""


class WorkersLostError(IVDSegmentationError):
    """The workers of a cohort, or the scheduler that they belong to, are gone and do not come back. What is done stays done."""


class TrainingError(IVDSegmentationError):
    """A training ended with weights that must not be used."""


class Cancelled(IVDSegmentationError):
    """The user stopped the run."""
