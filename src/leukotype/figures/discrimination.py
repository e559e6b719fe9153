"""How well a locked classifier's probabilities rank other samples: ROC and precision-recall curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from leukotype import wording
from leukotype.arrays import FloatArray
from leukotype.classifier.validation import Validation
from leukotype.figures import curves, precision, roc, theme
from leukotype.figures.figure import Drawing

LINE = "classifier"


def roc_curves(validation: Validation) -> Drawing:
    source = _source(validation, roc_auc_score)
    caption = (
        "Receiver operating characteristic (Fawcett 2006) of every class against the rest, by the probabilities of "
        f"the locked classifier on {_samples(validation)}, called or not; n is the number of samples of the class. "
        "The macro AUC is the unweighted mean over the classes drawn. A class of few samples gives a curve of few "
        f"steps, and an uncertain area.{_absent(validation, source)}"
    )
    summary = (
        f"ROC curves on external samples, one panel for each of {wording.counted(len(source.counts), 'class')}. Macro "
        f"AUC {source.macro[LINE]:.3f}; chance is 0.5."
    )
    return roc.drawing(source, _subtitle(validation), caption, summary)


def precision_recall(validation: Validation) -> Drawing:
    source = _source(validation, average_precision_score)
    caption = (
        "Precision against recall of every class against the rest, by the probabilities of the locked classifier on "
        f"{_samples(validation)}, called or not, drawn as steps since linear interpolation would flatter (Davis & "
        "Goadrich 2006). The dotted line is the share of the class among these samples, which need not be that of "
        f"the samples to come: precision changes with it (Saito & Rehmsmeier 2015).{_absent(validation, source)}"
    )
    summary = (
        "Precision-recall curves on external samples, one panel for each of "
        f"{wording.counted(len(source.counts), 'class')}. Macro average precision {source.macro[LINE]:.3f}."
    )
    return precision.drawing(source, _subtitle(validation), caption, summary)


def applies(validation: Validation) -> str | None:
    if len(_drawn(validation)):
        return None
    return "A curve needs samples of at least two of the classes that the classifier knows."


def _drawn(validation: Validation) -> list[int]:
    """Codes of the classes that have samples, where there are others beside them."""
    here = np.unique(validation.codes).tolist()
    return here if len(here) > 1 else []


def _source(validation: Validation, area: Callable[[FloatArray, FloatArray], float]) -> curves.Source:
    drawn = _drawn(validation)
    names = [validation.classes[code] for code in drawn]
    truths = [(validation.codes == code).astype(np.float64) for code in drawn]
    p = validation.probabilities[:, drawn]
    values = [float(area(truth, p[:, k])) for k, truth in enumerate(truths)]
    return curves.Source(
        {name: int(truth.sum()) for name, truth in zip(names, truths, strict=True)},
        truths,
        (LINE,),
        (p,),
        pd.DataFrame({"model": LINE, "class": names, "value": values}),
    )


def _samples(validation: Validation) -> str:
    return f"{wording.counted(len(validation.codes), 'external sample')} of known classes"


def _absent(validation: Validation, source: curves.Source) -> str:
    missing = [name for name in validation.classes if name not in source.counts]
    return f" No sample here is of {' or '.join(missing)}." if missing else ""


def _subtitle(validation: Validation) -> list[str]:
    return theme.external(validation.batch, validation.classifier.name)
