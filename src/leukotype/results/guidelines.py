"""SHEETS: the reporting guidelines DOME, REFORMS and TRIPOD+AI; one line per item."""

from __future__ import annotations

from collections.abc import Callable

from leukotype.results.sheets import Facts, Item, Sheet


def _fixed(text: str) -> Callable[[Facts], str]:
    """Return an answer that is the same for every study."""
    return lambda facts: text


_NO_TEST = _fixed(
    "The record contains one cohort, evaluated by cross-validation, and no test on another cohort."
)
_NO_CLUSTERS = _fixed("Clusters were not examined.")
_NOT_UPDATED = _fixed("No model was updated.")

# fmt: off
DOME = Sheet(
    "DOME",
    "DOME sheet",
    "Walsh et al. (2021), Nature Methods 18, 1122-1127, https://doi.org/10.1038/s41592-021-01205-4",
    (
        ("1 Data", (
            Item("1.1", "Provenance", "Source of the data, size of each class, earlier use.", (Facts.data, Facts.classes), "how and when the samples were collected, and earlier uses."),
            Item("1.2", "Dataset splits", "Number of samples for training, tuning and testing.", (Facts.sizes,)),
            Item("1.3", "Redundancy between data splits", "Independence of training and test parts.", (Facts.design, Facts.dependence), "whether samples share donors, laboratories or runs that are not recorded."),
            Item("1.4", "Availability of data", "Availability and licence of data and splits.", (Facts.data,), "where data and splits are deposited, and the licence."),
        )),
        ("2 Optimization", (
            Item("2.1", "Algorithm", "Class of algorithm, and whether it is new.", (Facts.models,)),
            Item("2.2", "Meta-predictions", "Whether outputs of other predictors are inputs.", (Facts.predictors,), "whether a column of the file is the output of a predictor."),
            Item("2.3", "Data encoding", "Encoding and preprocessing of the values.", (Facts.transformations,), "how the raw measurements were processed into the file."),
            Item("2.4", "Parameters", "Number of settings, and how they were chosen.", (Facts.tuning, Facts.settings)),
            Item("2.5", "Features", "Number of inputs, and whether they were selected on training data only.", (Facts.predictors, Facts.probes_used, lambda f: f.audits("confounding"))),
            Item("2.6", "Fitting", "How over- and underfitting were excluded.", (Facts.design, Facts.baselines), "further evidence against over- and underfitting."),
            Item("2.7", "Regularization", "Methods against overfitting.", (Facts.models,)),
            Item("2.8", "Availability of configuration", "Availability of settings and files of the optimization.", (Facts.settings, Facts.script), "where the record of the run is deposited."),
        )),
        ("3 Model", (
            Item("3.1", "Interpretability", "Black box or transparent; examples.", (Facts.probes_used,), "the meaning of probes and genes."),
            Item("3.2", "Output", "Classification or regression, and the output.", (Facts.output,)),
            Item("3.3", "Execution time", "Duration of one run, and the machine.", (Facts.seconds, Facts.machine)),
            Item("3.4", "Availability of software", "Availability and licence of the software.", (Facts.code,), "where the version used is archived."),
        )),
        ("4 Evaluation", (
            Item("4.1", "Evaluation method", "How the method was tested.", (Facts.design, _NO_TEST), "any test on independent data or by experiment."),
            Item("4.2", "Performance measures", "Metrics reported, and whether they are common.", (Facts.metrics, Facts.performance)),
            Item("4.3", "Comparison", "Comparison with simple baselines and published methods on the same data.", (Facts.baselines, Facts.selection), "the comparison with published methods."),
            Item("4.4", "Confidence", "Intervals of the metrics, and significance of differences.", (Facts.confidence, Facts.significance)),
            Item("4.5", "Availability of evaluation", "Availability of the raw evaluation.", (_fixed("The out-of-fold predictions of all samples are part of the record."), Facts.script), "where they are deposited, and the licence."),
        )),
    ),
)

REFORMS = Sheet(
    "REFORMS",
    "REFORMS sheet",
    "Kapoor et al. (2024), Science Advances 10, eadk3452, https://doi.org/10.1126/sciadv.adk3452",
    (
        ("1 Study goals", (
            Item("1a", "Population", "Population to which the claim applies.", (), "the population."),
            Item("1b", "Motivation for the population", "Why it was chosen.", (), "the reason."),
            Item("1c", "Motivation for machine learning", "Why machine learning was used.", (), "the reason."),
        )),
        ("2 Computational reproducibility", (
            Item("2a", "Dataset", "The data, with a persistent link.", (Facts.data,), "a persistent link, such as a DOI."),
            Item("2b", "Code", "The code and its version.", (Facts.code,), "a persistent link to the version used."),
            Item("2c", "Infrastructure", "Hardware and software.", (Facts.machine,), "processor and memory."),
            Item("2d", "Instructions", "Instructions to obtain the results from data and code.", (Facts.script,), "where the instructions are."),
            Item("2e", "Script", "A script that produces all results of the paper.", (Facts.script,), "the script for results that are not part of this study."),
        )),
        ("3 Data quality", (
            Item("3a", "Sources", "Sources, dates and annotation of the data.", (Facts.data,), "when and where the samples were collected, and how the classes were determined."),
            Item("3b", "Sampling frame", "The set from which the samples were drawn.", (), "the sampling frame."),
            Item("3c", "Usefulness", "Why these data suit the question.", (), "the reason."),
            Item("3d", "Outcome", "The predicted variable, with statistics by class.", (Facts.outcome,), "the meaning of each class."),
            Item("3e", "Sample size", "Number of samples in total and per outcome.", (Facts.classes,)),
            Item("3f", "Missing data", "Share of missing values, by class.", (Facts.missing,), "values that were missing before the file was written."),
            Item("3g", "Representativeness", "Whether the frame represents the population.", (), "the argument."),
        )),
        ("4 Data preprocessing", (
            Item("4a", "Exclusions", "Excluded samples, and why.", (Facts.exclusions,), "samples excluded before the file was written."),
            Item("4b", "Impossible samples", "Treatment of impossible or corrupt samples.", (lambda f: f.audits("quality"),), "how they were treated."),
            Item("4c", "Transformations", "Every step from raw data to the input of the model.", (Facts.transformations,), "the steps before the file was written."),
        )),
        ("5 Modeling", (
            Item("5a", "Models", "All models that were trained.", (Facts.models,), "models that were tried outside this study."),
            Item("5b", "Choice of models", "Why these kinds of model.", (), "the reason."),
            Item("5c", "Evaluation", "How data were split for training and testing.", (Facts.design,)),
            Item("5d", "Selection", "How the reported model was selected.", (Facts.selection,), "how the model of the paper was chosen."),
            Item("5e", "Hyperparameters", "How the settings were tuned.", (Facts.tuning, Facts.models, Facts.settings)),
            Item("5f", "Baselines", "Why the baselines are appropriate.", (Facts.baselines,), "why they are sufficient."),
        )),
        ("6 Data leakage", (
            Item("6a", "Separation", "Training used no information from the test part.", (Facts.design, lambda f: f.audits("normalisation")), "that the file itself was produced without leakage."),
            Item("6b", "Dependence and duplicates", "How dependent samples were kept together.", (Facts.dependence,), "whether samples share donors, laboratories or runs that are not recorded."),
            Item("6c", "Legitimate features", "Inputs are available at the time of use and are not proxies of the outcome.", (lambda f: f.audits("confounding"),), "the argument for the inputs."),
        )),
        ("7 Metrics and uncertainty", (
            Item("7a", "Metrics", "All metrics, and the reason for the main one.", (Facts.metrics, Facts.performance), "why the main metric suits the intended use."),
            Item("7b", "Uncertainty", "Intervals, and how they were computed.", (Facts.confidence,)),
            Item("7c", "Tests", "Statistical tests and their assumptions.", (Facts.significance,), "why the assumptions of the tests hold."),
        )),
        ("8 Generalizability and limitations", (
            Item("8a", "External validity", "Evidence that the finding holds elsewhere.", (_NO_TEST,), "any such evidence."),
            Item("8b", "Limits of validity", "Settings in which the finding is not expected to hold.", (Facts.audits,), "the settings."),
        )),
    ),
)

TRIPOD = Sheet(
    "TRIPOD",
    "TRIPOD+AI sheet",
    "Collins et al. (2024), BMJ 385, e078378, https://doi.org/10.1136/bmj-2023-078378",
    (
        ("Title, abstract, introduction", (
            Item("1", "Title", "Development or evaluation, population, outcome.", (), "the title."),
            Item("2", "Abstract", "According to TRIPOD+AI for Abstracts.", (), "the abstract."),
            Item("3a", "Background: context", "Diagnosis or prognosis, rationale, existing models.", (), "the context."),
            Item("3b", "Background: use", "Target population, purpose and users.", (), "the purpose."),
            Item("3c", "Background: inequalities", "Known health inequalities.", (), "known inequalities."),
            Item("4", "Objectives", "Development, evaluation, or both.", (_fixed("Models were compared by internal validation."), Facts.final_model), "the objectives."),
        )),
        ("Methods", (
            Item("5a", "Data: sources", "Sources and representativeness.", (Facts.data,), "the type of study, why these data were used, and whom they represent."),
            Item("5b", "Data: dates", "Dates of accrual and follow-up.", (), "the dates."),
            Item("6a", "Participants: setting", "Setting, number and location of centres.", (), "the setting."),
            Item("6b", "Participants: eligibility", "Eligibility criteria.", (), "the criteria."),
            Item("6c", "Participants: treatments", "Treatments and how they were handled.", (), "the treatments."),
            Item("7", "Data preparation", "Preprocessing and quality checks.", (Facts.transformations, lambda f: f.audits("quality")), "earlier processing, and whether it was the same in all groups of people."),
            Item("8a", "Outcome: definition", "Predicted outcome, and how it was determined.", (Facts.outcome,), "the meaning of each class, and how and when it was determined."),
            Item("8b", "Outcome: assessors", "Qualifications of assessors, if judgement was needed.", (), "the assessors."),
            Item("8c", "Outcome: blinding", "Blinding of the outcome.", (), "the blinding."),
            Item("9a", "Predictors: choice", "Initial predictors and preselection.", (Facts.predictors,), "any selection before the file was written."),
            Item("9b", "Predictors: definition", "How and when they were measured.", (lambda f: f"{f.cohort.n_probes} probes, with the ids of the file.",), "platform, protocol and time of measurement."),
            Item("9c", "Predictors: assessors", "Qualifications of assessors, if judgement was needed.", (), "whether judgement was needed."),
            Item("10", "Sample size", "How the sample size was determined, and whether it is sufficient.", (Facts.classes, lambda f: f.audits("size")), "how the sample size was determined."),
            Item("11", "Missing data", "How missing data were handled.", (Facts.missing, Facts.exclusions), "data missing before the file was written."),
            Item("12a", "Analysis: use of data", "How the data were partitioned.", (Facts.design, Facts.sizes, Facts.dependence)),
            Item("12b", "Analysis: predictors", "Rescaling and transformation.", (Facts.transformations,)),
            Item("12c", "Analysis: models", "Types of model, tuning, internal validation.", (Facts.models, Facts.tuning, Facts.design), "why these types of model."),
            Item("12d", "Analysis: heterogeneity", "Differences between clusters such as hospitals.", (_NO_CLUSTERS,), "any such analysis."),
            Item("12e", "Analysis: measures", "All performance measures and plots.", (Facts.metrics, Facts.confidence, Facts.significance), "clinical utility, if examined."),
            Item("12f", "Analysis: updating", "Model updating after the evaluation.", (_NOT_UPDATED,)),
            Item("12g", "Analysis: predictions", "How predictions were computed.", (Facts.output, Facts.code)),
            Item("13", "Class imbalance", "Methods against imbalance, and recalibration after them.", (Facts.imbalance,)),
            Item("14", "Fairness", "Approaches to fairness.", (_fixed("Groups of people were not examined."),), "any such approach."),
            Item("15", "Model output", "Probability or class, and thresholds.", (Facts.output,)),
            Item("16", "Training versus evaluation", "Differences between development and evaluation data.", (_NO_TEST, Facts.sizes)),
            Item("17", "Ethical approval", "Committee and consent.", (), "approval and consent."),
        )),
        ("Open science", (
            Item("18a", "Funding", "Source and role of funders.", (), "the funding."),
            Item("18b", "Conflicts of interest", "Of all authors.", (), "the conflicts of interest."),
            Item("18c", "Protocol", "Where it is available, or that there was none.", (), "the protocol."),
            Item("18d", "Registration", "Register and number, or that there was none.", (), "the registration."),
            Item("18e", "Data sharing", "Availability of the data.", (Facts.data,), "the availability."),
            Item("18f", "Code sharing", "Availability of the code.", (Facts.code,), "the availability of the authors' own code."),
            Item("19", "Patient and public involvement", "In design, conduct or reporting.", (), "the involvement."),
        )),
        ("Results", (
            Item("20a", "Participants: flow", "Flow of participants, with and without the outcome.", (Facts.classes, Facts.exclusions), "the flow before the file was written."),
            Item("20b", "Participants: characteristics", "Characteristics, sizes and missing data.", (Facts.classes, Facts.missing, lambda f: f.audits("confounding")), "dates, demographics and treatments."),
            Item("20c", "Participants: comparison", "Comparison with the development data.", (_NO_TEST,)),
            Item("21", "Model development", "Number of samples in each analysis.", (Facts.sizes, Facts.classes)),
            Item("22", "Model specification", "The full model, so that others can use it.", (Facts.final_model,), "the model, if one is proposed."),
            Item("23a", "Performance", "Estimates with intervals, also in subgroups.", (Facts.performance,), "performance in groups of people, if examined."),
            Item("23b", "Performance: heterogeneity", "Differences between clusters.", (_NO_CLUSTERS,), "any such results."),
            Item("24", "Updating", "Results of model updating.", (_NOT_UPDATED,)),
        )),
        ("Discussion", (
            Item("25", "Interpretation", "Main results, including fairness.", (), "the interpretation."),
            Item("26", "Limitations", "Limitations and their effect on bias and uncertainty.", (Facts.audits,), "the limitations."),
            Item("27a", "Use: poor input", "Handling of poor or missing input.", (), "the procedure."),
            Item("27b", "Use: expertise", "Required expertise of users.", (), "the requirements."),
            Item("27c", "Use: next steps", "Next steps for research.", (), "the next steps."),
        )),
    ),
)
# fmt: on

SHEETS: tuple[Sheet, ...] = (DOME, REFORMS, TRIPOD)
