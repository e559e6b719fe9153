"""Errors for users: each message says in one line what was found, what was needed and what to do."""

from __future__ import annotations


class LeukotypeError(Exception):
    """The command failed although its input was valid (exit code 1)."""

    exit_code = 1


class InputError(LeukotypeError):
    """Invalid input or usage (exit code 2)."""

    exit_code = 2


class UnreadableFile(InputError):
    """A file is missing, empty, truncated, or of the wrong kind."""


class BadValues(InputError):
    """Expression values are missing, infinite or not numeric."""


class BadIdentifiers(InputError):
    """Sample, probe or column names are missing, repeated or damaged."""


class BadLabels(InputError):
    """The labels do not define a classification problem."""


class InfeasibleDesign(InputError):
    """The samples cannot fill the requested folds, or the options contradict each other."""


class UnknownName(InputError):
    """No model, dataset, metric or figure has this name."""


class DataWarning(UserWarning):
    """Data that may not mean what it seems to mean."""


class BadPlugin(InputError):
    """A plug-in cannot be loaded, or defines no models."""


class BadBundle(InputError):
    """A classifier file is damaged, hostile, or of a newer format."""


class UntrustedFile(InputError):
    """A file is not signed by a trusted key, or its signature does not fit it."""


class NotPortable(InputError):
    """A model cannot be stored in a classifier file."""


class OutputRefused(InputError):
    """An output cannot be written, or would replace something else."""


class DownloadFailed(LeukotypeError):
    """A dataset could not be downloaded."""


class FingerprintMismatch(LeukotypeError):
    """A file does not contain the dataset it is named after."""


class RunInProgress(InputError):
    """Another process is using the output folder."""


class DrawingFailed(LeukotypeError):
    """A figure cannot be drawn on this machine."""


class StoreFailed(LeukotypeError):
    """Finished tasks cannot be written or read, for example because the disk is full."""


class TasksFailed(LeukotypeError):
    """Some tasks gave no result."""


class Interrupted(LeukotypeError):
    """The user interrupted the run."""

    exit_code = 130


class MissingPackage(InputError):
    """A requested optional package is not installed."""


class ClusterFailed(LeukotypeError):
    """A cluster does not answer, or was lost."""
