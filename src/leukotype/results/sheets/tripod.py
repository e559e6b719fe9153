"""TRIPOD+AI: clinical prediction models."""

from __future__ import annotations

from leukotype.results.sheets.facts import Facts
from leukotype.results.sheets.sheet import Item, Sheet

_NO_COHORT = "The record holds one cohort, evaluated by cross-validation, and no other."

TRIPOD = Sheet(
    "TRIPOD",
    "TRIPOD+AI sheet",
    "Collins et al. (2024), BMJ 385, e078378, https://doi.org/10.1136/bmj-2023-078378",
    (
        (
            "Title, abstract, introduction",
            (
                Item("1", "Title", "Study of development or evaluation, population, outcome.", None, "the title."),
                Item("2", "Abstract", "As TRIPOD+AI for Abstracts asks.", None, "the abstract."),
                Item("3a", "Background: context", "Diagnosis or prognosis, reason, existing models.", None, "the context."),
                Item("3b", "Background: use", "Target population, purpose and users.", None, "the purpose."),
                Item("3c", "Background: inequalities", "Known health inequalities.", None, "what is known."),
                Item("4", "Objectives", "Development, evaluation, or both.",
                     lambda f: f"The run compared models by internal validation. {f.final_model()}", "the objectives."),
            ),
        ),
        (
            "Methods",
            (
                Item("5a", "Data: sources", "Sources and how representative they are.", Facts.data, "the kind of study, why these data, and whom they represent."),
                Item("5b", "Data: dates", "Dates of accrual and follow-up.", None, "the dates."),
                Item("6a", "Participants: setting", "Setting, number and place of centres.", None, "the setting."),
                Item("6b", "Participants: eligibility", "Who was eligible.", None, "the criteria."),
                Item("6c", "Participants: treatments", "Treatments and how they were handled.", None, "the treatments."),
                Item("7", "Data preparation", "Preprocessing and quality checks.",
                     lambda f: f"{f.transformations()} {f.quality()}", "what was done before, and whether alike in all groups of people."),
                Item("8a", "Outcome: definition", "What is predicted, and how it was determined.", Facts.outcome, "what each class means, and how and when it was determined."),
                Item("8b", "Outcome: assessors", "Who judged, where judgement was needed.", None, "the assessors."),
                Item("8c", "Outcome: blinding", "Blinding of the outcome.", None, "the blinding."),
                Item("9a", "Predictors: choice", "Which predictors to begin with, and preselection.", Facts.predictors, "any selection before the file was made."),
                Item("9b", "Predictors: definition", "How and when they were measured.",
                     lambda f: f"{f.evaluation.cohort.n_probes} probes, by the ids of the file.", "platform, protocol and time of measurement."),
                Item("9c", "Predictors: assessors", "Who judged, where judgement was needed.", None, "whether any judgement was needed."),
                Item("10", "Sample size", "How the size was arrived at, and whether it suffices.",
                     lambda f: f"{f.classes()} {f.audits(('LT018', 'LT019', 'LT020'), 'class sizes')}", "how the size was arrived at."),
                Item("11", "Missing data", "How missing data were handled.", lambda f: f"{f.missing()} {f.exclusions()}", "what was missing before the file was made."),
                Item("12a", "Analysis: use of data", "How the data were partitioned.", lambda f: f"{f.design()} {f.sizes()} {f.dependence()}"),
                Item("12b", "Analysis: predictors", "Rescaling and transformation.", Facts.transformations),
                Item("12c", "Analysis: models", "Kinds of model, tuning, internal validation.",
                     lambda f: f"{f.models()}\n\n{f.tuning()} {f.design()}", "why these kinds of model."),
                Item("12d", "Analysis: heterogeneity", "Differences between clusters such as hospitals.",
                     lambda f: "The run examined no clusters.", "any such analysis."),
                Item("12e", "Analysis: measures", "All measures and plots of performance.", lambda f: f"{f.metrics()} {f.confidence()} {f.significance()}", "clinical utility, where examined."),
                Item("12f", "Analysis: updating", "Updating of a model after evaluation.", lambda f: "No model was updated."),
                Item("12g", "Analysis: predictions", "How predictions were computed.", lambda f: f"{f.output()} {f.code()}"),
                Item("13", "Class imbalance", "Methods against imbalance, and recalibration after them.", Facts.imbalance),
                Item("14", "Fairness", "Approaches to fairness.", lambda f: "The run examined no groups of people.", "any such approach."),
                Item("15", "Model output", "Probability or class, and the thresholds.", Facts.output),
                Item("16", "Training versus evaluation", "Differences between the data for both.", lambda f: f"{_NO_COHORT} {f.sizes()}"),
                Item("17", "Ethical approval", "Committee and consent.", None, "approval and consent."),
            ),
        ),
        (
            "Open science",
            (
                Item("18a", "Funding", "Source and role of funders.", None, "the funding."),
                Item("18b", "Conflicts of interest", "Of all authors.", None, "the conflicts of interest."),
                Item("18c", "Protocol", "Where it is, or that there was none.", None, "the protocol."),
                Item("18d", "Registration", "Register and number, or that there was none.", None, "the registration."),
                Item("18e", "Data sharing", "Availability of the data.", Facts.data, "the availability."),
                Item("18f", "Code sharing", "Availability of the code.", Facts.code, "the availability of the authors' own code."),
                Item("19", "Patient and public involvement", "In design, conduct or reporting.", None, "the involvement."),
            ),
        ),
        (
            "Results",
            (
                Item("20a", "Participants: flow", "Flow, with and without the outcome.", lambda f: f"{f.classes()} {f.exclusions()}", "the flow up to the file."),
                Item("20b", "Participants: characteristics", "Characteristics, sizes and missing data.",
                     lambda f: f"{f.classes()} {f.missing()} {f.features()}", "dates, demographics and treatments."),
                Item("20c", "Participants: comparison", "Against the development data.", lambda f: _NO_COHORT),
                Item("21", "Model development", "Numbers in each analysis.", lambda f: f"{f.sizes()} {f.classes()}"),
                Item("22", "Model specification", "The full model, so that others can use it.", Facts.final_model, "the model, where one is put forward."),
                Item("23a", "Performance", "Estimates with intervals, also in subgroups.", Facts.performance, "performance in groups of people, where examined."),
                Item("23b", "Performance: heterogeneity", "Differences between clusters.", lambda f: "The run examined no clusters.", "any such results."),
                Item("24", "Updating", "Results of updating.", lambda f: "No model was updated."),
            ),
        ),
        (
            "Discussion",
            (
                Item("25", "Interpretation", "Of the main results, with fairness.", None, "the interpretation."),
                Item("26", "Limitations", "And their effect on bias and uncertainty.", Facts.overview, "the limitations."),
                Item("27a", "Use: poor input", "What to do with poor or missing input.", None, "the procedure."),
                Item("27b", "Use: expertise", "What users must do and know.", None, "the requirements."),
                Item("27c", "Use: next steps", "Next steps for research.", None, "the next steps."),
            ),
        ),
    ),
)  # fmt: skip
