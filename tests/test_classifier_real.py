"""Classifiers of real cohorts: Golub's independent patients, and classes of GSE9476 left out of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import leukotype as lt
from leukotype.classifier.calls import UNLIKE
from leukotype.cohort import Batch, Cohort


def rows(cohort: Cohort, wanted: np.ndarray) -> Cohort:
    return replace(
        cohort,
        expression=cohort.expression[wanted],
        labels=cohort.labels[wanted],
        samples=cohort.samples[wanted],
    )


def test_golubs_independent_patients_are_classified(data_folder, tmp_path):
    """Trained on 38 patients; of 34 patients from other laboratories, at least 31 are classified correctly."""
    folder = data_folder / "golub"
    cohort = lt.read(folder / "data_set_ALL_AML_train.csv", labels=folder / "actual.csv")
    assert cohort.n_samples == 38
    lt.train(cohort, design=lt.Design(repeats=1), jobs=1).save(tmp_path / "golub.leuko")
    one = lt.load_classifier(tmp_path / "golub.leuko")
    batch = lt.read_batch(
        folder / "data_set_ALL_AML_independent.csv", labels=folder / "actual.csv", wants_labels=True
    )
    calls = one.predict(batch)
    right = np.array([one.classes[code] for code in calls.predicted]) == batch.labels
    assert len(right) == 34
    assert right.sum() >= 31
    # Called samples are correct at least as often.
    assert right[calls.called].mean() >= 31 / 34
    lines = calls.to_csv().splitlines()[1:]
    for place in (0, 20, 33):
        alone = Batch(
            batch.expression[place : place + 1], batch.samples[place : place + 1], batch.probes,
            batch.provenance, scales=batch.scales[place : place + 1],
        )  # fmt: skip
        assert one.predict(alone).to_csv().splitlines()[1] == lines[place]


@pytest.mark.slow
@pytest.mark.parametrize("left_out", ["AML", "PB"])
def test_an_unseen_class_is_rejected(data_folder, left_out):
    """Known classes are still called. docs/decisions/0009 states which classes can be rejected."""
    cohort = lt.read(data_folder / "cumida" / "Leukemia_GSE9476_slice.csv.gz")
    one = lt.train(rows(cohort, cohort.labels != left_out), "logistic", jobs=1)
    calls = one.predict(rows(cohort, cohort.labels == left_out))
    assert np.mean([UNLIKE in reasons for reasons in calls.reasons]) >= 0.9
    assert one.record["decisions"]["called"]["value"] >= 0.85
