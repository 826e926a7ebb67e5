"""The errors a user can meet. Each message is one sentence: what, where, and what to do."""


class IVDSegmentationError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(IVDSegmentationError):
    """The input cannot be segmented; the message names the file (or node) and the reason."""


class OutputError(IVDSegmentationError):
    """A result could not be written; nothing half-written is left."""


class ModelError(IVDSegmentationError):
    """The weights are missing, altered, or do not fit the networks of this version."""


class TrainingError(IVDSegmentationError):
    """A training came to an end that is not to be used."""


class Cancelled(IVDSegmentationError):
    """The user asked to stop."""
