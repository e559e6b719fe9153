"""REFORMS: science that rests on machine learning."""

from __future__ import annotations

from leukotype.results.sheets.facts import Facts
from leukotype.results.sheets.sheet import Item, Sheet

REFORMS = Sheet(
    "REFORMS",
    "REFORMS sheet",
    "Kapoor et al. (2024), Science Advances 10, eadk3452, https://doi.org/10.1126/sciadv.adk3452",
    (
        (
            "1 Study goals",
            (
                Item("1a", "Population", "The population that the claim is about.", None, "the population."),
                Item("1b", "Why this population", "Why it was chosen.", None, "the reason."),
                Item("1c", "Why machine learning", "Why machine learning was used.", None, "the reason."),
            ),
        ),
        (
            "2 Computational reproducibility",
            (
                Item("2a", "Dataset", "The data, with a link that identifies them.", Facts.data, "a lasting link, such as a DOI."),
                Item("2b", "Code", "The code and its version.", Facts.code, "a lasting link to the version used."),
                Item("2c", "Infrastructure", "The machine and its software.", Facts.machine, "processor and memory."),
                Item("2d", "Instructions", "A README to get from data and code to the results.", Facts.script,
                     "where the instructions are."),
                Item("2e", "Script", "A script that gives all results of the paper.", Facts.script,
                     "the script for what the paper reports beyond this run."),
            ),
        ),
        (
            "3 Data quality",
            (
                Item("3a", "Sources", "Sources, dates and annotation of the data.", Facts.data,
                     "when and where the samples were taken, and how the classes were determined."),
                Item("3b", "Sampling frame", "The set from which the samples were drawn.", None, "the sampling frame."),
                Item("3c", "Usefulness", "Why these data suit the question.", None, "the reason."),
                Item("3d", "Outcome", "What is predicted, with its statistics by class.", Facts.outcome,
                     "what each class means."),
                Item("3e", "Sample size", "Number of samples, and of each outcome.", Facts.classes),
                Item("3f", "Missing data", "Share of missing values, by class.", Facts.missing,
                     "values that were missing before the file was made."),
                Item("3g", "Representativeness", "Whether the frame represents the population.", None, "the argument."),
            ),
        ),
        (
            "4 Data preprocessing",
            (
                Item("4a", "Exclusions", "Samples left out, and why.", Facts.exclusions, "samples left out before the file was made."),
                Item("4b", "Impossible samples", "How impossible or corrupt samples were treated.", Facts.quality,
                     "what was done about them."),
                Item("4c", "Transformations", "Every step from raw data to the model's input.", Facts.transformations,
                     "the steps before the file was made."),
            ),
        ),
        (
            "5 Modeling",
            (
                Item("5a", "Models", "Every model that was trained.", Facts.models, "models tried outside this run."),
                Item("5b", "Choice of models", "Why these kinds of model.", None, "the reason."),
                Item("5c", "Evaluation", "How data were split for training and testing.", Facts.design),
                Item("5d", "Selection", "How the reported model was selected.", Facts.selection,
                     "how the model that the paper puts forward was chosen."),
                Item("5e", "Hyperparameters", "How the settings were tuned.",
                     lambda f: f"{f.tuning()}\n\n{f.models()}\n\n{f.settings()}"),
                Item("5f", "Baselines", "Why the baselines are the right ones.", Facts.baselines, "why they suffice."),
            ),
        ),
        (
            "6 Data leakage",
            (
                Item("6a", "Separation", "That nothing from the test part reached training.",
                     lambda f: f"{f.design()} {f.scaling()}", "that the file itself was made without such leaks."),
                Item("6b", "Dependence and duplicates", "How samples that belong together were kept together.",
                     Facts.dependence, "whether samples share donors, laboratories or runs beyond what was named."),
                Item("6c", "Legitimate features", "That each input may be known when the model is used, and is no stand-in for the outcome.",
                     Facts.features, "the argument for the inputs."),
            ),
        ),
        (
            "7 Metrics and uncertainty",
            (
                Item("7a", "Metrics", "All metrics, and why the one that decides.",
                     lambda f: f"{f.metrics()}\n\n{f.performance()}", "why the metric put forward suits the use."),
                Item("7b", "Uncertainty", "Intervals, and how they were computed.", Facts.confidence),
                Item("7c", "Tests", "Statistical tests and their assumptions.", Facts.significance,
                     "why the assumptions of any test hold."),
            ),
        ),
        (
            "8 Generalizability and limitations",
            (
                Item("8a", "External validity", "Evidence that the finding holds elsewhere.",
                     lambda f: "The record holds no test on another cohort.", "any such evidence."),
                Item("8b", "Where it may fail", "Settings in which the finding is not expected to hold.", Facts.overview,
                     "the settings."),
            ),
        ),
    ),
)  # fmt: skip
