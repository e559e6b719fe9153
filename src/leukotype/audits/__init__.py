"""AUDITS: one entry per common problem of data or results, with its code, severity and requirements."""

from __future__ import annotations

from leukotype.audits import arrays, covariates, donors, labels, matrix, outliers, results, sex, sizes
from leukotype.audits.finding import (
    SEVERITIES,
    TOPICS,
    Audit,
    AuditInput,
    Finding,
    Observation,
    Severity,
    Topic,
)
from leukotype.cohort import Cohort
from leukotype.errors import UnknownName
from leukotype.evaluation import Evaluation
from leukotype.genes import Annotation

__all__ = [
    "AUDITS", "SEVERITIES", "TOPICS", "Audit", "AuditInput", "Finding", "Observation", "Severity", "Topic", "audit",
    "by_code", "errors",
]  # fmt: skip

# fmt: off
AUDITS: tuple[Audit, ...] = (
    Audit("LT001", "donor-across", "Donor in the training and the test part of a split", "independence", "error", "cohort", donors.donor_across),
    Audit("LT002", "near-duplicates", "Near-duplicate samples", "independence", "warning", "cohort", donors.near_duplicates, "Waldron et al. 2016", figure="correlation"),
    Audit("LT003", "paired-rows", "Rows that form pairs, without donors", "independence", "warning", "cohort", donors.paired_rows),
    Audit("LT004", "order-tells-class", "Row or sample number that predicts the class", "confounding", "note", "cohort", matrix.order_tells_class),
    Audit("LT005", "stray-columns", "Row number or clinical column among the probes", "confounding", "error", "cohort", matrix.stray_columns),
    Audit("LT006", "class-goes-with-covariate", "Covariate that differs between the classes", "confounding", "warning", "cohort", covariates.class_goes_with_covariate, figure="pca"),
    Audit("LT007", "covariates-as-good", "Covariates that predict as well as genes", "confounding", "warning", "evaluation", covariates.covariates_as_good),
    Audit("LT008", "sex-mismatch", "Recorded sex contradicted by XIST and RPS4Y1", "quality", "warning", "cohort", sex.sex_mismatch, "Toker et al. 2016"),
    Audit("LT009", "sex-goes-with-class", "Classes that differ in sex", "confounding", "warning", "cohort", sex.sex_goes_with_class),
    Audit("LT010", "low-correlation", "Sample unlike the others of its class", "quality", "warning", "cohort", outliers.low_correlation, figure="correlation"),
    Audit("LT011", "odd-intensities", "Sample with an unusual distribution of values", "quality", "warning", "cohort", outliers.odd_intensities, figure="intensity"),
    Audit("LT012", "normalised-together", "Normalisation over all samples", "normalisation", "note", "cohort", matrix.normalised_together, "Hornung et al. 2015"),
    Audit("LT013", "standardised-probes", "Probes scaled over all samples", "normalisation", "warning", "cohort", matrix.standardised_probes),
    Audit("LT014", "constant-probes", "Probes with one value in all or nearly all samples", "quality", "note", "cohort", matrix.constant_probes),
    Audit("LT015", "control-probes", "Control probes among the features", "confounding", "warning", "cohort", matrix.control_probes),
    Audit("LT016", "mixed-scales", "Samples on different scales", "quality", "error", "cohort", matrix.mixed_scales, figure="intensity"),
    Audit("LT017", "doubtful-scale", "Values that are not log2 intensities", "quality", "warning", "cohort", matrix.doubtful_scale, figure="intensity"),
    Audit("LT018", "too-few-for-conformal", "Class too small for 95 % prediction sets", "size", "note", "cohort", sizes.too_few_for_conformal, "Vovk et al. 2005"),
    Audit("LT019", "too-few-for-auc", "Class too small for a precise AUC", "size", "note", "cohort", sizes.too_few_for_auc, "Hanley & McNeil 1982", figure="roc"),
    Audit("LT020", "too-few-for-calibration", "Class too small to assess calibration", "size", "note", "cohort", sizes.too_few_for_calibration, "Collins et al. 2016", figure="calibration"),
    Audit("LT021", "baseline-as-good", "Baseline within the interval of the best model", "performance", "warning", "evaluation", results.baseline_as_good, figure="comparison"),
    Audit("LT022", "random-signature-as-good", "Random probes as good as the best model", "performance", "note", "evaluation", results.random_signature_as_good, "Venet et al. 2011"),
    Audit("LT023", "perfect-on-few", "Perfect result on few samples", "performance", "warning", "evaluation", results.perfect_on_few, "Clopper & Pearson 1934", figure="samples"),
    Audit("LT024", "mislabelled-samples", "Sample that looks like another class", "quality", "warning", "evaluation", labels.mislabelled_samples, "Northcutt et al. 2021", figure="samples"),
    Audit("LT025", "measured-differently", "Classes that were measured differently", "confounding", "warning", "cohort", arrays.measured_differently, figure="intensity"),
    Audit("LT026", "pairs-across-classes", "Pairs of samples across classes, without donors", "independence", "warning", "cohort", donors.pairs_across_classes),
    Audit("LT027", "similar-class-names", "Class names that differ by a letter, case or spaces", "quality", "warning", "cohort", labels.similar_class_names),
)
# fmt: on


def audit(
    cohort: Cohort, evaluation: Evaluation | None = None, annotation: Annotation | None = None
) -> list[Finding]:
    """Run all audits that apply; return the findings, most severe first, then by code.

    evaluation : of this cohort; without it, audits of results are skipped
    annotation : probe to gene, for the audits of sex; without it, probes named by gene symbol and known Affymetrix
                 probes are used

    LT007 and LT022 fit a small model on the folds of the evaluation.  The evaluation is not changed.
    """
    data = AuditInput(cohort, evaluation, annotation)
    found = [finding for entry in AUDITS if (finding := entry.finding(data)) is not None]
    return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.code))


def errors(cohort: Cohort, evaluation: Evaluation, annotation: Annotation | None = None) -> list[Finding]:
    """Run the audits of severity error alone; they fit nothing."""
    data = AuditInput(cohort, evaluation, annotation)
    found = [entry.finding(data) for entry in AUDITS if entry.severity == "error"]
    return [finding for finding in found if finding is not None and finding.severity == "error"]


def by_code(code: str) -> Audit:
    """Return the audit with this code or name; raises UnknownName with the range of codes."""
    for entry in AUDITS:
        if code in (entry.code, entry.name):
            return entry
    raise UnknownName(f"no audit {code!r}. Use a code from {AUDITS[0].code} to {AUDITS[-1].code}.")
