"""What can go wrong, in words a user can act on: what was found, what was needed, what to do."""

from __future__ import annotations


class LeukotypeError(Exception):
    """The job failed although the input was good (exit code 1)."""

    exit_code = 1


class InputError(LeukotypeError):
    """Bad input or usage (exit code 2)."""

    exit_code = 2


class UnreadableFile(InputError):
    """A file that is missing, empty, truncated, or no expression table."""


class BadValues(InputError):
    """Expression values that are missing, infinite, or no numbers."""


class BadIdentifiers(InputError):
    """Sample, probe or column names that are absent, repeated or damaged."""


class BadLabels(InputError):
    """Labels that define no classification problem."""


class InfeasibleDesign(InputError):
    """Folds that these samples cannot fill."""


class UnknownName(InputError):
    """A model, dataset, metric or figure that does not exist."""


class BadPlugin(InputError):
    """A plug-in that cannot be loaded, or that holds no models of its own."""


class BadBundle(InputError):
    """A classifier's file that is damaged, hostile, or of a newer format."""


class NotPortable(InputError):
    """A model that no classifier's file can hold."""


class OutputRefused(InputError):
    """An output folder that cannot be written, or that holds something else."""


class DownloadFailed(LeukotypeError):
    """A dataset that could not be had."""


class FingerprintMismatch(LeukotypeError):
    """A file that is not the dataset it is named after."""


class RunInProgress(InputError):
    """A folder in which another process is at work."""


class StoreFailed(LeukotypeError):
    """Finished tasks that cannot be written or read: a full or faulty disk."""


class TasksFailed(LeukotypeError):
    """Tasks that gave no result, while the others did."""


class Interrupted(LeukotypeError):
    """A run that its user ended, with what is left of it."""

    exit_code = 130


class MissingPackage(InputError):
    """An optional package that is not installed, and was asked for."""


class ClusterFailed(LeukotypeError):
    """A cluster that does not answer, or that is gone."""
