"""Numbers of the figures, against independent computations."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.cluster import hierarchy
from sklearn import metrics as sk
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from leukotype import figures
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.figures import clustering, curves, heatmaps, maps, span
from leukotype.metrics import weighted
from leukotype.models import select


def table(name: str, source: Cohort | Evaluation) -> pd.DataFrame:
    figure = figures.by_name(name)
    assert figure.applies(source) is None
    return figure.draw(source).table()


def with_values(cohort: Cohort, expression: np.ndarray, donors: np.ndarray | None = None) -> Cohort:
    return Cohort(expression, cohort.labels, cohort.samples, cohort.probes, name="changed", donors=donors)


@pytest.fixture
def holed(tiny_cohort: Cohort) -> Cohort:
    """The tiny cohort with a tenth of its values missing."""
    expression = tiny_cohort.expression.copy()
    expression[np.random.default_rng(1).random(expression.shape) < 0.1] = np.nan
    return with_values(tiny_cohort, expression)


def blobs(n_per_class: int = 12, apart: float = 30.0) -> Cohort:
    """Three classes so far apart that any clustering must find them, rows in random order."""
    rng = np.random.default_rng(3)
    codes = rng.permutation(np.repeat([0, 1, 2], n_per_class))
    expression = rng.normal(size=(len(codes), 25))
    expression[np.arange(len(codes)), codes] += apart
    return Cohort(
        expression,
        labels=np.array(["a", "b", "c"])[codes],
        samples=np.array([f"s{k}" for k in range(len(codes))]),
        probes=np.array([f"p{k}" for k in range(25)]),
    )


def test_class_counts(tiny_cohort: Cohort) -> None:
    found = table("class-counts", tiny_cohort).set_index("class")
    assert found["samples"].to_dict() == tiny_cohort.class_counts
    assert_allclose(found["share"].sum(), 1.0)
    donors = np.array(["one"] * 15 + [f"d{k}" for k in range(15)])
    counted = table("class-counts", with_values(tiny_cohort, tiny_cohort.expression, donors)).set_index(
        "class"
    )
    for name in tiny_cohort.classes:
        assert counted.loc[name, "donors"] == len(set(donors[tiny_cohort.labels == name]))


def test_intensity_quantiles(holed: Cohort) -> None:
    found = table("intensity", holed).set_index("sample")
    assert list(found["class"]) == sorted(holed.labels)
    for row, sample in enumerate(holed.samples):
        values = holed.expression[row]
        expected = np.nanquantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
        assert_allclose(found.loc[sample, ["q05", "q25", "median", "q75", "q95"]].astype(float), expected)
        assert found.loc[sample, "missing"] == np.isnan(values).sum()


def test_missing_values_are_replaced_by_the_median_of_their_probe(holed: Cohort) -> None:
    expected = pd.DataFrame(holed.expression)
    assert_allclose(span.filled(holed), expected.fillna(expected.median()))


def test_components_agree_with_scikit_learn(holed: Cohort) -> None:
    scores, shares = span.principal_components(holed)
    pca = PCA(svd_solver="full").fit(span.filled(holed))
    expected = pca.transform(span.filled(holed))
    kept = slice(0, holed.n_samples - 1)
    assert_allclose(shares[kept], pca.explained_variance_ratio_[kept], atol=1e-12)
    assert_allclose(np.abs(scores[:, kept]), np.abs(expected[:, kept]), atol=1e-7)
    drawn = table("pca", holed)
    assert list(drawn["sample"]) == list(holed.samples)
    assert_allclose(drawn[["pc1", "pc2"]], scores[:, :2])
    assert_allclose(drawn[["pc1_share", "pc2_share"]].iloc[0], pca.explained_variance_ratio_[:2])
    spec = figures.by_name("pca").draw(holed).chart().to_dict()
    assert (
        spec["encoding"]["x"]["axis"]["title"]
        == f"PC1 ({100 * pca.explained_variance_ratio_[0]:.1f} % of variance)"
    )


def test_signs_of_components_do_not_depend_on_sample_order(tiny_cohort: Cohort) -> None:
    turned = tiny_cohort.take(np.arange(30)[::-1], "turned")
    one, other = (table("pca", cohort).set_index("sample") for cohort in (tiny_cohort, turned))
    assert_allclose(one[["pc1", "pc2"]], other.loc[one.index, ["pc1", "pc2"]], atol=1e-9)


def test_tsne_preserves_neighbours_and_is_reproducible() -> None:
    cohort = blobs()
    one, again = table("tsne", cohort), table("tsne", cohort)
    place = one[["tsne1", "tsne2"]].to_numpy()
    assert np.array_equal(place, again[["tsne1", "tsne2"]].to_numpy())
    assert trustworthiness(cohort.expression, place, n_neighbors=5) > 0.8
    codes = np.unique(one["class"], return_inverse=True)[1]
    assert sk.silhouette_score(place, codes) > 0.5


@pytest.mark.parametrize("n", [5, 6, 10, 64, 91, 400])
def test_perplexity_fits_the_number_of_samples(n: int) -> None:
    assert 1 <= maps.perplexity(n) <= min(30, (n - 1) / 3)
    assert f"perplexity {maps.perplexity(30):.3g}" in figures.by_name("tsne").draw(blobs(10)).caption


def test_correlation_agrees_with_numpy(holed: Cohort) -> None:
    found = table("correlation", holed)
    expected = pd.DataFrame(np.corrcoef(span.filled(holed)), holed.samples, holed.samples)
    for row in found.itertuples():
        assert row.r == pytest.approx(expected.loc[row.sample, row.other], abs=1e-12)
    order = found.drop_duplicates("sample")
    assert list(order["class"]) == sorted(holed.labels)
    assert set(order["sample"]) == set(holed.samples)


def test_a_constant_sample_has_no_correlation(tiny_cohort: Cohort) -> None:
    expression = tiny_cohort.expression.copy()
    expression[4] = 7.3
    found = table("correlation", with_values(tiny_cohort, expression))
    flat = (found["sample"] == tiny_cohort.samples[4]) | (found["other"] == tiny_cohort.samples[4])
    assert found.loc[flat, "r"].isna().all()
    assert found.loc[~flat, "r"].notna().all()


def test_neighbours_share_cells_if_there_are_many_samples() -> None:
    cohort = blobs(n_per_class=60)
    found = table("correlation", cohort)
    names = found["sample"].drop_duplicates().tolist()
    sizes = [int(match[1]) if (match := re.search(r"\((\d+) samples\)", name)) else 1 for name in names]
    assert len(names) <= heatmaps.MOST_SAMPLES + 3
    assert sum(sizes) == cohort.n_samples
    # The sum over all pairs of different samples is unchanged.
    r = found["r"].to_numpy().reshape(len(names), len(names))
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    expected = np.corrcoef(cohort.expression).sum() - cohort.n_samples
    lone = np.array(sizes) == 1
    assert (r * pairs).sum() == pytest.approx(expected, rel=1e-9)
    assert_allclose(np.diag(r)[lone], 1.0)


def test_heatmap_shows_the_most_variable_probes_standardised(holed: Cohort) -> None:
    rng = np.random.default_rng(0)
    wide = Cohort(
        rng.normal(size=(20, 90)) * rng.permutation(np.linspace(0.1, 3, 90)),
        labels=np.repeat(["a", "b"], 10),
        samples=np.array([f"s{k}" for k in range(20)]),
        probes=np.array([f"p{k}" for k in range(90)]),
    )
    for cohort in (wide, holed):
        found = table("heatmap", cohort).pivot(index="sample", columns="probe", values="z")
        values = pd.DataFrame(span.filled(cohort), cohort.samples, cohort.probes)
        chosen = values.std().nlargest(50).index
        assert set(found.columns) == set(chosen)
        expected = (values[chosen] - values[chosen].mean()) / values[chosen].std(ddof=0)
        assert_allclose(found, expected.loc[found.index, found.columns], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "across", "down", "digits"),
    [("heatmap", "sample", "probe", 2), ("correlation", "sample", "other", 4)],
)
def test_packed_cells_equal_the_table(
    tiny_cohort: Cohort, name: str, across: str, down: str, digits: int
) -> None:
    drawing = figures.by_name(name).draw(tiny_cohort)
    value = {"heatmap": "z", "correlation": "r"}[name]
    expected = drawing.table().set_index([across, down])[value]
    data = drawing.chart().to_dict()["datasets"].values()
    columns = next(rows for rows in data if "values" in rows[0])
    names = {row["row_number"]: row[down] for rows in data for row in rows if "row_number" in row}
    cells = {
        (column[across], names[number]): cell
        for column in columns
        for number, cell in enumerate(column["values"], start=1)
    }
    assert len(cells) == len(expected)
    for key, cell in cells.items():
        assert cell == pytest.approx(expected[key], abs=0.51 * 10**-digits)


@pytest.mark.parametrize("n", [2, 3, 10, 40])
def test_dendrogram_agrees_with_scipy(n: int) -> None:
    tree = clustering.linkage(np.random.default_rng(n).normal(size=(n, 4)))
    expected = hierarchy.dendrogram(tree, no_plot=True)
    found = clustering.branches(tree)
    corners = {
        tuple(np.round(np.r_[part["place"], part["height"]], 9))
        for _, part in found.groupby("merge", sort=False)
    }
    shape = zip(expected["icoord"], expected["dcoord"], strict=True)
    joined = {tuple(np.round(np.r_[np.array(x) / 10, y], 9)) for x, y in shape}

    def sides(lines: set[tuple[float, ...]]) -> set[tuple[float, ...]]:
        # The order of the two arms is irrelevant.
        return {min(line, (*line[:4][::-1], *line[4:][::-1])) for line in lines}

    assert sides(corners) == sides(joined)
    assert list(clustering.leaves(tree)) == expected["leaves"]


def test_dendrogram_and_heatmap_have_the_same_order(tiny_cohort: Cohort) -> None:
    found = table("heatmap", tiny_cohort)
    z = found.pivot(index="sample", columns="probe", values="z")
    samples, probes = found["sample"].drop_duplicates().tolist(), found["probe"].drop_duplicates().tolist()
    # In a new clustering of the drawn order, each merge joins neighbours.
    for points in (z.loc[samples, probes].to_numpy(), z.loc[samples, probes].to_numpy().T):
        tree = clustering.linkage(points)
        members = {k: {k} for k in range(len(points))}
        for number, (left, right) in enumerate(tree[:, :2].astype(int)):
            both = members[left] | members[right]
            members[len(points) + number] = both
            assert max(both) - min(both) == len(both) - 1


def test_clusters_equal_to_the_classes_have_index_1() -> None:
    found = table("unsupervised", blobs())
    assert_allclose(found["adjusted_rand"], 1.0)
    assert list(found["sizes"]) == ["12, 12, 12"] * 3
    assert (found["chance_low"] < 0.1).all()
    assert (found["chance_high"] < 0.3).all()


def test_clusters_of_noise_agree_only_by_chance() -> None:
    cohort = blobs(apart=0.0)
    found = table("unsupervised", cohort)
    assert (found["adjusted_rand"] < 0.2).all()
    assert (found["chance_low"] <= 0).all()
    assert (found["chance_high"] >= 0).all()


def test_index_by_chance_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    labels, found = rng.integers(3, size=25), rng.integers(1, 5, size=25)
    ours = clustering.by_chance(labels, found, np.random.default_rng(7))
    again = np.random.default_rng(7)
    member = np.eye(3)[labels]
    expected = [sk.adjusted_rand_score(again.permutation(member).argmax(axis=1), found) for _ in ours]
    assert_allclose(ours, expected, atol=1e-12)
    assert_allclose(clustering.by_chance(np.zeros(5, dtype=int), np.ones(5, dtype=int), rng), 1.0)


def test_comparison_equals_the_summary(tiny_evaluation: Evaluation) -> None:
    found = table("comparison", tiny_evaluation).set_index(["model", "metric"])
    summary = tiny_evaluation.summary().set_index(["model", "metric"]).loc[found.index]
    for column in ("value", "low", "high"):
        assert_allclose(found[column], summary[column])
    assert_allclose(found.xs("balanced_accuracy", level="metric")["chance"], 1 / 3)
    assert found.groupby("model")["baseline"].all().to_dict() == {
        "logistic": False,
        "knn": False,
        "majority": True,
    }


def test_confusion_agrees_with_scikit_learn(tiny_evaluation: Evaluation) -> None:
    found = table("confusion", tiny_evaluation)
    codes, names = tiny_evaluation.cohort.codes, list(tiny_evaluation.classes)
    for model in tiny_evaluation.names:
        one = found[found["model"] == model].pivot(index="truth", columns="predicted", values="count")
        calls = tiny_evaluation.predicted(model)
        expected = np.mean([sk.confusion_matrix(codes, repeat) for repeat in calls], axis=0)
        assert_allclose(one.loc[names, names], expected)
    assert_allclose(found.groupby(["model", "truth"])["share"].sum(), 1.0)


def test_roc_points_agree_with_scikit_learn(tiny_evaluation: Evaluation) -> None:
    found = table("roc", tiny_evaluation)
    for model in tiny_evaluation.names:
        p = tiny_evaluation.probabilities(model).mean(axis=0)
        for k, name in enumerate(tiny_evaluation.classes):
            truth = tiny_evaluation.cohort.codes == k
            line = found[(found["model"] == model) & (found["class"] == name)].sort_values("point")
            fpr, tpr, _ = sk.roc_curve(truth, p[:, k])
            assert_allclose(line["fpr"], fpr)
            assert_allclose(line["tpr"], tpr)
            assert sk.auc(line["fpr"], line["tpr"]) == pytest.approx(sk.roc_auc_score(truth, p[:, k]))
    chance = found[found["model"] == "chance"]
    assert_allclose(chance["fpr"], chance["tpr"])


def test_precision_steps_have_the_area_of_average_precision(tiny_evaluation: Evaluation) -> None:
    found = table("precision-recall", tiny_evaluation)
    for model in tiny_evaluation.names:
        p = tiny_evaluation.probabilities(model).mean(axis=0)
        for k, name in enumerate(tiny_evaluation.classes):
            truth = tiny_evaluation.cohort.codes == k
            line = found[(found["model"] == model) & (found["class"] == name)].sort_values("point")
            recall, precision = line["recall"].to_numpy(), line["precision"].to_numpy()
            area = (np.diff(recall) * precision[1:]).sum()
            assert area == pytest.approx(sk.average_precision_score(truth, p[:, k]))
            known = set(
                zip(*(v.round(9) for v in sk.precision_recall_curve(truth, p[:, k])[:2]), strict=True)
            )
            assert set(zip(precision[1:].round(9), recall[1:].round(9), strict=True)) <= known
            assert (recall[0], recall[-1]) == (0.0, 1.0)
            assert (np.diff(recall) > 0).all()
    base = (
        found[found["model"] == "prevalence of the class"].groupby("class")["precision"].agg(["min", "max"])
    )
    for name, count in tiny_evaluation.cohort.class_counts.items():
        assert_allclose(base.loc[name], count / 30)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_areas_in_the_legend_equal_the_tables(tiny_evaluation: Evaluation, metric: str) -> None:
    found = curves.of_evaluation(tiny_evaluation, metric).areas
    expected = tiny_evaluation.per_class([metric])
    assert_allclose(found["value"], expected["value"])
    assert list(found["class"]) == list(expected["class"])
    name = {"roc_auc": "roc", "average_precision": "precision-recall"}[metric]
    spec = figures.by_name(name).draw(tiny_evaluation).chart().to_dict()
    macro = tiny_evaluation.summary([f"{metric}_macro"]).set_index("model")["value"]
    lines = {row["line"] for rows in spec["datasets"].values() for row in rows}
    assert {f"{model}  {macro[model]:.3f}" for model in macro.index} <= lines


def test_calibration_bins_add_up_to_the_metric(tiny_evaluation: Evaluation) -> None:
    found = table("calibration", tiny_evaluation)
    repeats = tiny_evaluation.folds.design.repeats
    for model in tiny_evaluation.names:
        bins = found[found["model"] == model]
        assert bins["samples"].sum() == pytest.approx(30)
        assert ((bins["low"] <= bins["correct"]) & (bins["correct"] <= bins["high"])).all()
        p = tiny_evaluation.probabilities(model)
        hits = tiny_evaluation.predicted(model) == tiny_evaluation.cohort.codes
        assert (bins["samples"] * bins["correct"]).sum() == pytest.approx(hits.sum() / repeats)
        assert (bins["samples"] * bins["confidence"]).sum() == pytest.approx(p.max(axis=2).sum() / repeats)
    one = Evaluation(
        tiny_evaluation.cohort,
        tiny_evaluation.folds,
        select(["logistic"]),
        tuple(result for result in tiny_evaluation.results if result.model == "logistic"),
    )
    errors = [weighted.calibration_error(scored, scored.ones)[0] for scored in one.scored("logistic")]
    assert 0 <= np.mean(errors) <= 1
    pooled = table("calibration", one)
    # Pooling repeats can only cancel errors within a bin.
    assert ((pooled["correct"] - pooled["confidence"]).abs() * pooled["samples"]).sum() / 30 <= np.mean(
        errors
    ) + 1e-12


def test_samples_are_the_misclassified_ones(tiny_evaluation: Evaluation) -> None:
    found = table("samples", tiny_evaluation)
    cohort = tiny_evaluation.cohort
    models = ["logistic", "knn"]
    wrong = {model: (tiny_evaluation.predicted(model) != cohort.codes).mean(axis=0) for model in models}
    expected = [s for k, s in enumerate(cohort.samples) if any(wrong[model][k] > 0 for model in models)]
    assert set(found["sample"]) == set(expected)
    assert set(found["model"]) == set(models)
    for row in found.itertuples():
        k = int(np.flatnonzero(cohort.samples == row.sample)[0])
        assert row.wrong == wrong[row.model][k]
        assert row.p_true == pytest.approx(
            tiny_evaluation.probabilities(row.model)[:, k, cohort.codes[k]].mean()
        )
        calls = {cohort.classes[code] for code in tiny_evaluation.predicted(row.model)[:, k]}
        assert set(row.called.split(", ")) == calls
    caption = figures.by_name("samples").draw(tiny_evaluation).caption
    assert f"The {len(expected)} of 30 samples" in caption
    assert f"The other {30 - len(expected)} were always predicted correctly" in caption
    always = [s for k, s in enumerate(cohort.samples) if all(wrong[model][k] == 1 for model in models)]
    assert ("Misclassified by all models in all repeats" in caption) == bool(always)


def test_without_errors_there_is_no_figure_of_samples(tiny_evaluation: Evaluation) -> None:
    truth = np.eye(3)[tiny_evaluation.cohort.codes]
    tests = {(split.repeat, split.fold): split.test for split in tiny_evaluation.folds.splits}
    results = tuple(
        replace(result, probabilities=truth[tests[result.repeat, result.fold]])
        for result in tiny_evaluation.results
        if result.model == "logistic"
    )
    perfect = Evaluation(tiny_evaluation.cohort, tiny_evaluation.folds, select(["logistic"]), results)
    assert figures.by_name("samples").applies(perfect) == "No model misclassified any sample."


def test_clusters_of_a_real_cohort_resemble_its_classes(data_folder: Path) -> None:
    frame = pd.read_csv(data_folder / "cumida" / "Leukemia_GSE9476_slice.csv.gz")
    values = frame.iloc[:, 2:]
    cohort = Cohort(
        values.to_numpy(float), frame["type"].to_numpy(), frame["samples"].to_numpy(), values.columns
    )
    found = table("unsupervised", cohort).set_index("method")
    assert found.loc["k-means", "adjusted_rand"] > 0.7
    assert (found["adjusted_rand"] > found["chance_high"]).all()
    for figure in figures.of_part("data"):
        assert len(figure.draw(cohort).chart().to_json(indent=None)) < 300_000


def test_every_interval_has_width(tiny_evaluation: Evaluation) -> None:
    drawn = figures.by_name("comparison").draw(tiny_evaluation).table()
    assert (drawn["high"] - drawn["low"] > 1e-4).all()
