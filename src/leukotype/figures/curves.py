"""ROC and precision-recall curves, one class against the rest: of an evaluation, and of a validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from leukotype import metrics
from leukotype.arrays import FloatArray
from leukotype.classifier.validation import Validation
from leukotype.evaluation import Evaluation
from leukotype.figures import layout, theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted

# From truth and scores to the coordinates of the points, in drawing order.
Curve = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
CLASSIFIER = "classifier"


@dataclass(frozen=True)
class CurveKind:
    """How one kind of curve is computed and drawn.

    names     : columns of the two coordinates
    titles    : titles of the axes
    area      : title of the area under the curve
    reference : name of the line of an uninformative classifier
    """

    names: tuple[str, str]
    titles: tuple[str, str]
    area: str
    reference: str
    curve: Curve
    reference_curve: Curve
    interpolate: Literal["linear", "step-before"]


@dataclass(frozen=True, eq=False)
class CurveData:
    """The predictions behind the curves.

    counts        : number of samples of each class with a panel, by name
    truths        : one (n_samples,) array per panel, 1 for samples of its class
    models        : one line each
    probabilities : one (n_samples, n_panels) array per model
    areas         : one row per model and class: model, class, value
    baselines     : the models that are baselines
    """

    counts: Mapping[str, int]
    truths: Sequence[FloatArray]
    models: Sequence[str]
    probabilities: Sequence[FloatArray]
    areas: pd.DataFrame
    baselines: frozenset[str] = frozenset()

    @property
    def macro(self) -> pd.Series:
        """Unweighted mean of the areas over the classes, by model."""
        return self.areas.groupby("model", sort=False)["value"].mean()

    @property
    def listed(self) -> str:
        """Macro area of each model as text."""
        return ", ".join(f"{model} {value:.3f}" for model, value in self.macro.items())


def roc_points(truth: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates from (0, 0) to (1, 1)."""
    fpr, tpr, _ = roc_curve(truth, scores)
    return fpr, tpr


def precision_points(truth: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Recall from 0 to 1, and the precision of the step that ends there.

    Of thresholds with the same recall, the highest is used, so that the area of the steps is the average precision.
    """
    precision, recall, _ = precision_recall_curve(truth, scores)
    # scikit-learn's recall falls; points without recall bound no area.
    recall, precision = recall[::-1], precision[::-1]
    steps = np.flatnonzero(np.diff(recall, prepend=0.0) > 0)
    return np.r_[0.0, recall[steps]], np.r_[precision[steps[0]], precision[steps]]


_ENDS = np.array([0.0, 1.0])
ROC = CurveKind(
    ("fpr", "tpr"), ("False positive rate", "True positive rate"), "AUC", "chance",
    roc_points, lambda truth, _: (_ENDS, _ENDS), "linear",
)  # fmt: skip
PRECISION_RECALL = CurveKind(
    ("recall", "precision"), ("Recall", "Precision"), "AP", "prevalence of the class",
    precision_points, lambda truth, _: (_ENDS, np.full(2, truth.mean())), "step-before",
)  # fmt: skip


def roc(evaluation: Evaluation) -> Drawing:
    data = of_evaluation(evaluation, "roc_auc")
    return _drawing(
        ROC,
        data,
        "Out-of-fold ROC curves (Fawcett 2006) of each class against the rest, "
        f"{counted(len(evaluation.cohort.labels), 'sample')}, pooled over the outer folds; n is the number of samples "
        "of the class. The macro AUC is the unweighted mean over classes. Classes with few samples have coarse curves "
        "and uncertain areas. Chance is 0.5, but after pooling an uninformative classifier can be below it, since a "
        "fold that holds out more samples of a class has fewer to train on (Airola et al. "
        f"2011).{_repeats_note(evaluation, 'the AUC')}",
        f"ROC curves, one panel for each of {len(evaluation.classes)} classes. Macro AUC: {data.listed}. The largest "
        f"is that of {data.macro.idxmax()}; chance is 0.5.",
        theme.subtitle(evaluation.cohort, "out of fold"),
    )


def precision_recall(evaluation: Evaluation) -> Drawing:
    data = of_evaluation(evaluation, "average_precision")
    return _drawing(
        PRECISION_RECALL,
        data,
        "Out-of-fold precision against recall of each class against the rest, "
        f"{counted(len(evaluation.cohort.labels), 'sample')}, pooled over the outer folds, drawn as steps since linear "
        "interpolation is optimistic (Davis & Goadrich 2006). The dotted line is the share of the class, which an "
        "uninformative classifier reaches. It differs between classes; compare areas (AP, average precision) with it "
        f"(Saito & Rehmsmeier 2015).{_repeats_note(evaluation, 'the average precision')}",
        f"Precision-recall curves, one panel for each of {len(evaluation.classes)} classes. Macro average precision: "
        f"{data.listed}.",
        theme.subtitle(evaluation.cohort, "out of fold"),
    )


def external_roc(validation: Validation) -> Drawing:
    data = _of_validation(validation, roc_auc_score)
    return _drawing(
        ROC,
        data,
        "ROC curves (Fawcett 2006) of each class against the rest, from the probabilities of the locked classifier for "
        f"{_samples(validation)}, called or not; n is the number of samples of the class. The macro AUC is the "
        "unweighted mean over the classes drawn. Classes with few samples have coarse curves and uncertain "
        f"areas.{_absent(validation, data)}",
        f"ROC curves of external samples, one panel for each of {counted(len(data.counts), 'class')}. Macro AUC "
        f"{data.macro[CLASSIFIER]:.3f}; chance is 0.5.",
        theme.batch_subtitle(validation.batch, validation.classifier.name),
    )


def external_precision_recall(validation: Validation) -> Drawing:
    data = _of_validation(validation, average_precision_score)
    return _drawing(
        PRECISION_RECALL,
        data,
        "Precision against recall of each class against the rest, from the probabilities of the locked classifier for "
        f"{_samples(validation)}, called or not, drawn as steps since linear interpolation is optimistic (Davis & "
        "Goadrich 2006). The dotted line is the share of the class among these samples. Precision depends on this "
        f"share, which can differ in future samples (Saito & Rehmsmeier 2015).{_absent(validation, data)}",
        f"Precision-recall curves of external samples, one panel for each of {counted(len(data.counts), 'class')}. "
        f"Macro average precision {data.macro[CLASSIFIER]:.3f}.",
        theme.batch_subtitle(validation.batch, validation.classifier.name),
    )


def external_applies(validation: Validation) -> str | None:
    known = len(np.unique(validation.codes)) > 1
    return None if known else "A curve needs samples of at least two of the classes of the classifier."


def of_evaluation(evaluation: Evaluation, metric: str) -> CurveData:
    """The curves of an evaluation; `metric` gives the areas, as `Evaluation.per_class` without intervals."""
    codes, value = evaluation.cohort.codes, metrics.by_name(metric).value
    blocks = []
    for model in evaluation.names:
        mean = np.array([value(scored) for scored in evaluation.scored(model)]).mean(axis=0)
        blocks.append(pd.DataFrame({"model": model, "class": evaluation.classes, "value": mean}))
    return CurveData(
        evaluation.cohort.class_counts,
        [(codes == k).astype(np.float64) for k in range(len(evaluation.classes))],
        evaluation.names,
        [evaluation.probabilities(model).mean(axis=0) for model in evaluation.names],
        pd.concat(blocks, ignore_index=True),
        theme.baselines(evaluation),
    )


def _of_validation(validation: Validation, area: Callable[[FloatArray, FloatArray], float]) -> CurveData:
    drawn = np.unique(validation.codes).tolist()
    names = [validation.classes[code] for code in drawn]
    truths = [(validation.codes == code).astype(np.float64) for code in drawn]
    p = validation.probabilities[:, drawn]
    values = [float(area(truth, p[:, k])) for k, truth in enumerate(truths)]
    return CurveData(
        {name: int(truth.sum()) for name, truth in zip(names, truths, strict=True)},
        truths,
        (CLASSIFIER,),
        (p,),
        pd.DataFrame({"model": CLASSIFIER, "class": names, "value": values}),
    )


def _repeats_note(evaluation: Evaluation, area: str) -> str:
    repeats = evaluation.folds.design.repeats
    if repeats == 1:
        return ""
    return (
        f" Probabilities of each sample are averaged over {repeats} repeats before the curve is drawn; {area} is the "
        "mean over repeats, as in the tables, and can differ slightly from the area drawn."
    )


def _samples(validation: Validation) -> str:
    return f"{counted(len(validation.codes), 'external sample')} of known classes"


def _absent(validation: Validation, data: CurveData) -> str:
    missing = [name for name in validation.classes if name not in data.counts]
    return f" No sample here is of {' or '.join(missing)}." if missing else ""


def _drawing(kind: CurveKind, data: CurveData, caption: str, summary: str, subtitle: list[str]) -> Drawing:
    """The curves and the reference line of every class; one row per point."""
    blocks = []
    for k, (name, truth) in enumerate(zip(data.counts, data.truths, strict=True)):
        lines = {kind.reference: kind.reference_curve(truth, truth)}
        lines |= {m: kind.curve(truth, p[:, k]) for m, p in zip(data.models, data.probabilities, strict=True)}
        for model, (x, y) in lines.items():
            points = {"class": name, "model": model, "point": np.arange(len(x))}
            blocks.append(pd.DataFrame(points | dict(zip(kind.names, (x, y), strict=True))))
    numbers = pd.concat(blocks, ignore_index=True)
    return Drawing(numbers, lambda table: _paint(table, kind, data), caption, summary, subtitle)


def _paint(table: pd.DataFrame, kind: CurveKind, data: CurveData) -> Chart:
    """One panel per class; the legend gives the macro area of each model."""
    names, counts = kind.names, data.counts
    entries = {model: f"{model}  {data.macro[model]:.3f}" for model in data.models}
    entries[kind.reference] = kind.reference
    table = table.merge(data.areas, on=["model", "class"], how="left", validate="m:1")
    table = table.assign(line=table["model"].map(entries)).rename(columns={"value": "area"})
    lines = list(entries.values())
    styles = theme.model_styles(data.models, data.baselines)
    styles[kind.reference] = theme.Style(theme.GREY, (1, 3))
    # The first line is the widest, so that lines that coincide all stay visible.
    widths = np.linspace(min(3.6, 1.2 + 0.3 * len(data.models)), 1.2, len(lines)).tolist()
    title = f"Model, macro {kind.area}"
    legend = theme.legend(title, lines, width=600)

    def by_line(channel: type[Any], values: Sequence[Any], type_: str = "N") -> Any:
        scale = alt.Scale(domain=lines, range=list(values))
        return channel(f"line:{type_}", scale=scale, sort=None, legend=legend)

    columns = layout.columns_for(len(counts), 3)
    side = {1: 300, 2: 250, 3: 165}[columns]
    heads = {name: f"{theme.shortened(name, side // 10)} (n = {count})" for name, count in counts.items()}
    ticks = [0, 0.5, 1] if columns == 3 else [0, 0.25, 0.5, 0.75, 1]
    axes = [alt.Axis(title=text, values=ticks, format=".2~f") for text in kind.titles]

    def panel(name: str, place: layout.Place) -> Chart:
        own = table.loc[table["class"] == name, ["class", "line", "point", *names, "area"]]
        line = alt.Chart(theme.rows(own)).mark_line(
            interpolate=kind.interpolate, strokeCap="butt", strokeJoin="miter"
        )
        chart: Chart = line.encode(
            x=alt.X(f"{names[0]}:Q", scale=theme.UNIT, axis=place.x(axes[0])),
            y=alt.Y(f"{names[1]}:Q", scale=theme.UNIT, axis=place.y(axes[1])),
            color=by_line(alt.Color, [styles[model].colour for model in entries]),
            strokeDash=by_line(alt.StrokeDash, [list(styles[model].dash) for model in entries]),
            strokeWidth=by_line(alt.StrokeWidth, widths, "O"),  # Vega needs an ordinal field for widths
            order=alt.Order("point:Q"),
            tooltip=theme.hover(
                {"line": title, "class": "Class"}, {"area": (f"{kind.area} of this class", ".3f")}
            ),
        ).properties(width=side, height=side)
        return chart

    return layout.wrap(heads, panel, columns=columns, width=side)
