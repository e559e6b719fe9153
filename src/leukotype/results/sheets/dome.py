"""DOME: supervised machine learning in biology."""

from __future__ import annotations

from leukotype.results.sheets.facts import Facts
from leukotype.results.sheets.sheet import Item, Sheet

DOME = Sheet(
    "DOME",
    "DOME sheet",
    "Walsh et al. (2021), Nature Methods 18, 1122-1127, https://doi.org/10.1038/s41592-021-01205-4",
    (
        (
            "1 Data",
            (
                Item("1.1", "Provenance", "Source of the data, size of each class, earlier use.",
                     lambda f: f"{f.data()} {f.classes()}", "how and when the samples came about, and who used them before."),
                Item("1.2", "Dataset splits", "How many samples trained, tuned and tested.", Facts.sizes),
                Item("1.3", "Redundancy between data splits", "How training and test parts were made independent.",
                     lambda f: f"{f.design()} {f.dependence()}", "whether samples share donors, laboratories or runs beyond what was named."),
                Item("1.4", "Availability of data", "Where data and splits can be had, under which licence.",
                     Facts.data, "where the data and the splits are deposited, and the licence."),
            ),
        ),
        (
            "2 Optimization",
            (
                Item("2.1", "Algorithm", "Class of algorithm, and whether it is new.", Facts.models),
                Item("2.2", "Meta-predictions", "Whether outputs of other predictors served as input.",
                     Facts.predictors,
                     "whether any column of the file is itself the output of a predictor."),
                Item("2.3", "Data encoding", "How values were encoded and preprocessed.", Facts.transformations,
                     "how the raw measurements became the file."),
                Item("2.4", "Parameters", "How many settings there were and how they were chosen.",
                     lambda f: f"{f.tuning()}\n\n{f.settings()}"),
                Item("2.5", "Features", "How many inputs, and whether chosen on training data alone.",
                     lambda f: f"{f.predictors()} {f.probes_read()} {f.features()}"),
                Item("2.6", "Fitting", "How over- and underfitting were ruled out.",
                     lambda f: f"{f.design()} {f.baselines()}",
                     "what speaks against over- and underfitting beyond the numbers out of fold."),
                Item("2.7", "Regularization", "Which means against overfitting were used.", Facts.models),
                Item("2.8", "Availability of configuration", "Where settings and files of the optimization can be had.",
                     lambda f: f"{f.settings()}\n\n{f.script()}", "where the record of the run is deposited."),
            ),
        ),
        (
            "3 Model",
            (
                Item("3.1", "Interpretability", "Black box or transparent; clear examples.", Facts.probes_read,
                     "what the probes and genes mean."),
                Item("3.2", "Output", "Classification or regression, and what comes out.", Facts.output),
                Item("3.3", "Execution time", "How long one run takes, and on what.",
                     lambda f: f"{f.seconds()} {f.machine()}"),
                Item("3.4", "Availability of software", "Where the software can be had, under which licence.",
                     Facts.code, "where the version used is archived."),
            ),
        ),
        (
            "4 Evaluation",
            (
                Item("4.1", "Evaluation method", "How the method was tested.",
                     lambda f: f"{f.design()} The record holds no test on another cohort.",
                     "any test on independent data or by experiment."),
                Item("4.2", "Performance measures", "Which metrics were reported, and whether they are usual.",
                     lambda f: f"{f.metrics()}\n\n{f.performance()}"),
                Item("4.3", "Comparison", "Whether simpler baselines and published methods were compared on the same data.",
                     lambda f: f"{f.baselines()} {f.selection()}", "the comparison with published methods."),
                Item("4.4", "Confidence", "Intervals of the metrics, and whether differences are significant.",
                     lambda f: f"{f.confidence()} {f.significance()}"),
                Item("4.5", "Availability of evaluation", "Where the raw evaluation can be had.",
                     lambda f: f"The predictions of every sample out of fold are part of the record. {f.script()}",
                     "where they are deposited, and the licence."),
            ),
        ),
    ),
)  # fmt: skip
