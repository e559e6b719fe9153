"""The call of a sample is byte-equal alone, in a batch and in a shuffled batch."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import classifier_cases as cases
import leukotype as lt
from leukotype.classifier import Calls, Classifier
from leukotype.cohort import Batch
from leukotype.errors import BadIdentifiers, BadValues
from leukotype.recipes.alignment import HOWS, Alignment

# One model of each kind of rule is trained with every alignment; the others get an alignment afterwards.
TRAINED = ("logistic", "forest", "knn", "pairs")
N = 9


@cache
def classifier(name: str, how: str) -> Classifier:
    if how == "none" or name in TRAINED:
        return cases.trained(name, how)
    one = cases.trained(name)
    learned = Alignment.learn(cases.cohort().expression, how)
    return replace(
        one,
        scorer=replace(one.scorer, alignment=learned),
        folds=tuple(replace(fold, alignment=learned) for fold in one.folds),
    )


@cache
def pool(kind: str) -> Batch:
    """9 samples, some incomplete or odd ("mixed"); with repeated, unknown and unordered columns ("strange")."""
    batch = cases.fresh(N // 3)
    odd = batch.expression.copy()
    odd[1] *= 40
    odd[2] = 7.0
    thin = cases.thinned(replace(batch, expression=odd), 0.25).expression
    # One sample is almost empty, two are outliers, and some are complete.
    mixed = replace(batch, expression=np.vstack([thin[:5], batch.expression[5:]]))
    if kind == "mixed":
        return mixed
    rng = np.random.default_rng(8)
    known = list(range(len(batch.probes)))
    columns = rng.permutation(known * 2 + known[:9] + [known[0]] * 4)
    # Repeated columns have different values.
    expression = mixed.expression[:, columns] + rng.normal(0, 0.1, (N, len(columns)))
    strange = rng.normal(0, 1e6, (N, 5))
    probes = [*mixed.probes[columns].tolist(), *(f"strange{number}" for number in range(5))]
    return cases.batch_of(np.hstack([expression, strange]), probes)


def part(batch: Batch, rows) -> Batch:
    rows = list(rows)
    return replace(batch, expression=batch.expression[rows], samples=batch.samples[rows])


def rows_of(calls: Calls) -> list[tuple[object, ...]]:
    """Everything about the call of each sample, in bytes."""
    found = []
    lines = calls.to_csv().splitlines()
    for row in range(calls.n_samples):
        found.append((
            lines[0], lines[row + 1], calls.matched, calls.probabilities[row].tobytes(), calls.reasons[row],
            calls.sets[row].tobytes(), calls.novelty[row].tobytes(), calls.p_like[row].tobytes(),
            calls.missing[row].tobytes(), calls.scales[row], calls.evidence[row],
        ))  # fmt: skip
    # Evidence objects are not comparable.
    return [(*rest, tuple(getattr(last, field.name) for field in fields(last))) for *rest, last in found]


@cache
def alone(name: str, how: str, kind: str) -> list[tuple[object, ...]]:
    one = classifier(name, how)
    return [rows_of(one.predict(part(pool(kind), [row]), why=4))[0] for row in range(N)]


def test_the_pool_has_every_kind_of_sample():
    calls = cases.trained("logistic").predict(pool("mixed"))
    assert {reason for reasons in calls.reasons for reason in reasons} >= {
        "off-scale", "too many probes missing", "unlike the training samples",
    }  # fmt: skip
    assert calls.called.any()
    assert cases.trained("logistic").predict(pool("strange")).matched.count("several columns") == 1


@pytest.mark.parametrize("kind", ["mixed", "strange"])
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", cases.NAMES)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(rows=st.lists(st.integers(0, N - 1), min_size=1, unique=True))
def test_a_sample_gets_the_same_call_in_any_batch(name, how, kind, rows):
    calls = classifier(name, how).predict(part(pool(kind), rows), why=4)
    assert rows_of(calls) == [alone(name, how, kind)[row] for row in rows]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", cases.NAMES)
def test_a_reversed_batch_gets_the_same_calls(name, how):
    for kind in ("mixed", "strange"):
        turned = classifier(name, how).predict(part(pool(kind), range(N)[::-1]), why=4)
        assert rows_of(turned) == alone(name, how, kind)[::-1]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", TRAINED)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_order_of_columns_does_not_matter(name, how, data):
    kind = data.draw(st.sampled_from(["mixed", "strange"]))
    batch = pool(kind)
    order = data.draw(st.permutations(range(len(batch.probes))))
    shuffled = replace(batch, expression=batch.expression[:, order], probes=batch.probes[order])
    # The memory layout after a transposed read.
    shuffled = replace(shuffled, expression=np.asfortranarray(shuffled.expression))
    assert rows_of(classifier(name, how).predict(shuffled, why=4)) == alone(name, how, kind)


@pytest.mark.parametrize("name", TRAINED)
def test_extra_columns_do_not_matter(name):
    batch, rng = pool("mixed"), np.random.default_rng(5)
    wider = replace(
        batch,
        expression=np.hstack([rng.normal(0, 1e9, (N, 7)), batch.expression, np.full((N, 2), np.nan)]),
        probes=np.array([*(f"x{k}" for k in range(7)), *batch.probes, "GENE", "gene1"]),
    )
    assert rows_of(classifier(name, "quantile").predict(wider, why=4)) == alone(name, "quantile", "mixed")


@pytest.mark.parametrize("name", TRAINED)
def test_symbols_find_the_same_probes(name):
    batch, one = pool("mixed"), classifier(name, "none")
    by_symbol = one.predict(replace(batch, probes=np.array(one.symbols)), why=4)
    assert by_symbol.matched == f"{cases.N_PROBES} of {cases.N_PROBES} probes matched by gene symbol."
    annotation = {f"other{number}": symbol for number, symbol in enumerate(one.symbols)}
    by_table = one.predict(replace(batch, probes=np.array(list(annotation))), why=4, annotation=annotation)
    assert by_table.matched == by_symbol.matched
    assert by_table.to_csv() == by_symbol.to_csv() == one.predict(batch).to_csv()


def test_a_repeated_probe_has_its_median():
    batch, one = cases.fresh(), classifier("logistic", "none")
    noisy = np.hstack([batch.expression, batch.expression + 3.0, batch.expression - 5.0])
    thrice = replace(batch, expression=noisy, probes=np.tile(batch.probes, 3))
    assert one.predict(thrice).to_csv() == one.predict(batch).to_csv()


# Files: the scale of a sample is detected from that sample alone.

_LINEAR = "linear: log2(max(x, 1)) taken, 0 below the floor"


def line(sample: str, values) -> str:
    return ",".join([sample, *("" if np.isnan(v) else repr(float(v)) for v in values)])


def in_rows(path, samples: dict[str, np.ndarray], probes) -> Batch:
    path.write_text("\n".join([",".join(["samples", *probes]), *(line(*pair) for pair in samples.items())]))
    return lt.read_batch(path)


def in_columns(path, samples: dict[str, np.ndarray], probes) -> Batch:
    table = np.array(list(samples.values())).T
    path.write_text("\n".join([",".join(["probe", *samples]), *map(line, probes, table)]))
    return lt.read_batch(path)


@pytest.mark.parametrize("written", [in_rows, in_columns])
@pytest.mark.parametrize("name", TRAINED)
def test_an_outlier_in_the_file_does_not_change_the_other_calls(tmp_path, name, written):
    batch, one = cases.thinned(cases.fresh(), 0.1, seed=3), classifier(name, "none")
    tame = {f"GSM{k}": row for k, row in enumerate(batch.expression)}
    rng = np.random.default_rng(0)
    n = cases.N_PROBES
    wild = {
        "linear": 2.0 ** batch.expression[3],
        "huge": rng.uniform(1e5, 1e300, n),
        "negative": rng.normal(200, 900, n),
        "flat": np.full(n, 6.0),
        "tiny": np.full(n, -1e-300),
    }
    plain = written(tmp_path / "plain.csv", tame, batch.probes)
    expected = one.predict(plain).to_csv().splitlines()[1:]
    # At the end, at the start and in the middle, in case a reader samples rows.
    names = [*list(tame)[:5], *wild, *list(tame)[5:]]
    for order in (names, names[5:] + names[:5], names[::-1], [*tame, *wild]):
        mixed = written(tmp_path / "mixed.csv", {k: (tame | wild)[k] for k in order}, batch.probes)
        lines = {text.split(",")[0]: text for text in one.predict(mixed).to_csv().splitlines()[1:]}
        assert [lines[sample] for sample in tame] == expected
        # The linear sample gets the call of its log2 original.
        assert mixed.scales[order.index("linear")] == _LINEAR
        assert "abstained" in lines["flat"]
    single = [written(tmp_path / "one.csv", {k: v}, batch.probes) for k, v in tame.items()]
    assert [one.predict(sample).to_csv().splitlines()[1] for sample in single] == expected
    (row,) = (
        one.predict(written(tmp_path / "one.csv", {"GSM3": wild["linear"]}, batch.probes))
        .to_csv()
        .splitlines()[1:]
    )
    assert row.split(",")[:2] == expected[3].split(",")[:2]
    assert lines["linear"].split(",")[1:-2] == row.split(",")[1:-2]


@pytest.mark.parametrize("n", [1, 8, 40])
def test_a_batch_longer_than_the_panel_is_not_transposed(tmp_path, n):
    """Samples are in rows even if there are more rows than columns."""
    panel = lt.train(cases.cohort(), "centroids", align="none", max_probes=4, design=cases.DESIGN, jobs=1)
    whole = cases.simulation().fresh(dict.fromkeys(cases.SIZES, 14), 1)
    columns = [whole.probes.tolist().index(probe) for probe in panel.probes]
    samples = {f"GSM{k}": row for k, row in enumerate(whole.expression[:n, columns])}
    batch = in_rows(tmp_path / "panel.csv", samples, panel.probes)
    assert batch.samples.tolist() == list(samples)
    expected = panel.predict(whole).probabilities[:n]
    np.testing.assert_array_equal(panel.predict(batch).probabilities, expected)


def test_the_direction_of_a_long_table_follows_its_probe_ids(tmp_path):
    one, whole = cases.trained("centroids"), cases.simulation().fresh(dict.fromkeys(cases.SIZES, 50), 1)
    lines = [line(f"T{k}", row) for k, row in enumerate(whole.expression)]
    (tmp_path / "a.csv").write_text("\n".join([",".join(["array", *whole.probes]), *lines]))
    batch = lt.read_batch(tmp_path / "a.csv")
    np.testing.assert_array_equal(one.predict(batch).probabilities, one.predict(whole).probabilities)
    turned = lt.read_batch(tmp_path / "a.csv", samples_in="columns")
    with pytest.raises(BadIdentifiers, match="--samples-in rows") as refused:
        one.predict(turned)
    assert "\n" not in str(refused.value)


def test_a_given_scale_applies_to_every_sample(tmp_path):
    batch = cases.fresh()
    rows = dict(zip(["a", "b"], [batch.expression[0], 2.0 ** batch.expression[0]], strict=True))
    in_rows(tmp_path / "a.csv", rows, batch.probes)
    given = lt.read_batch(tmp_path / "a.csv", scale="log2")
    assert given.scales == ("as given, as specified",) * 2
    np.testing.assert_array_equal(given.expression, list(rows.values()))
    linear = lt.read_batch(tmp_path / "a.csv", scale="linear")
    assert all(said.startswith("linear, as specified") for said in linear.scales)
    np.testing.assert_allclose(linear.expression[1], batch.expression[0])


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("samples,{0},{1}\na,1,inf\n", BadValues, "infinite"),
        ("samples,{0},{1}\na,1,2\na,3,4\n", BadIdentifiers, "'a'"),
        ("samples,{0},{1}\na,1,2\nb,1,x\nc,1,2\n", BadValues, "'x'"),
    ],
)
def test_unreadable_samples_are_refused_in_one_line(tmp_path, content, kind, said):
    (tmp_path / "a.csv").write_text(content.format(*cases.cohort().probes))
    with pytest.raises(kind, match=said) as refused:
        lt.read_batch(tmp_path / "a.csv")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "samples", "probes", "kind"),
    [
        (np.zeros(3), ["a"], ["x"], BadValues),
        (np.zeros((2, 3)), ["a"], ["x", "y", "z"], BadIdentifiers),
        (np.zeros((1, 3)), ["a"], ["x", "y"], BadIdentifiers),
        (np.zeros((2, 2)), ["a", "a"], ["x", "y"], BadIdentifiers),
        (np.full((1, 2), np.inf), ["a"], ["x", "y"], BadValues),
        (np.full((1, 2), 1e200), ["a"], ["x", "y"], BadValues),
    ],
)
def test_an_inconsistent_batch_is_refused(expression, samples, probes, kind):
    with pytest.raises(kind) as refused:
        cases.batch_of(expression, probes, samples)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, float("nan"), 2.0])
def test_a_level_outside_0_and_1_is_refused(level):
    from leukotype.errors import UnknownName

    with pytest.raises(UnknownName, match="below 1"):
        cases.trained("centroids").predict(cases.fresh(), level=level)


def test_an_empty_batch_gives_no_row():
    one = cases.trained("centroids")
    empty = one.predict(part(cases.fresh(), []), why=2)
    assert empty.n_samples == 0
    assert empty.to_csv().splitlines() == one.predict(cases.fresh()).to_csv().splitlines()[:1]


def single(layout: str, probes, values, path):
    """Write one sample, called P39 if the layout has a name for it."""
    rows = list(zip(probes, values, strict=True))

    def lines(header: str, mark: str, extra: str = "") -> str:
        return "\n".join([header, *(f"{probe}{mark}{value}{extra}" for probe, value in rows)]) + "\n"

    names, numbers = ",".join(probes), ",".join(map(str, values))
    path.write_text({
        "Golub": lambda: "\n".join(["Gene Description,Gene Accession Number,39,call",
                                    *(f"text,{probe},{value},A" for probe, value in rows)]) + "\n",
        "Golub without call": lambda: "\n".join(["Gene Description,Gene Accession Number,39",
                                                 *(f"text,{probe},{value}" for probe, value in rows)]) + "\n",
        "one row": lambda: f"{names}\n{numbers}\n",
        "one row with id": lambda: f"samples,{names}\nP39,{numbers}\n",
        "one row with id and class": lambda: f"samples,type,{names}\nP39,ALL,{numbers}\n",
        "one row of pandas": lambda: f",{names}\nP39,{numbers}\n",
        "one column": lambda: lines("probe,P39", ","),
        "one column of pandas": lambda: lines(",P39", ","),
        "one column of R": lambda: lines("P39", "\t"),
        "GEO": lambda: lines("ID_REF\tVALUE", "\t"),
        "GEO with calls": lambda: lines("ID_REF\tVALUE\tABS_CALL", "\t", "\tP"),
        "GEO with calls and p-values": lambda: lines("ID_REF\tVALUE\tABS_CALL\tDETECTION P-VALUE", "\t", "\tP\t0.01"),
        "gene table": lambda: lines("gene;expression", ";"),
    }[layout]())  # fmt: skip
    return path


LAYOUTS = (
    "Golub", "Golub without call", "one row", "one row with id", "one row with id and class", "one row of pandas",
    "one column", "one column of pandas", "one column of R", "GEO", "GEO with calls", "GEO with calls and p-values",
    "gene table",
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_single_sample_of_every_layout_is_read(layout, tmp_path):
    one = cases.trained("logistic")
    values = cases.fresh().expression[0].round(3)
    path = single(layout, cases.cohort().probes.tolist(), values.tolist(), tmp_path / "one.txt")
    batch = lt.read_batch(path)
    assert batch.n_samples == 1
    calls = one.predict(batch)
    np.testing.assert_array_equal(
        calls.probabilities, one.predict(cases.batch_of([values], batch.probes)).probabilities
    )
    assert calls.missing[0] == 0


UNITS = {
    "z-scores": (lambda x, mean: (x - mean) / 0.5, "z-scores, log ratios or centred values"),
    "z-scores of the sample": (
        lambda x, mean: (x - x.mean()) / x.std(),
        "z-scores, log ratios or centred values",
    ),
    "log ratios": (lambda x, mean: x - mean, "z-scores, log ratios or centred values"),
    "shares": (lambda x, mean: (x - x.min()) / np.ptp(x), "shares between 0 and 1"),
    "counts": (lambda x, mean: np.round(2**x), "counts"),
    "linear": (lambda x, mean: 2**x, "linear"),
}


@pytest.mark.parametrize("align", ["none", "quantile", "rank"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_single_sample_of_another_unit_says_what_it_looks_like(unit, align, tmp_path):
    change, look = UNITS[unit]
    one, x = cases.trained("logistic", align), cases.fresh().expression[0]
    values = change(x, cases.cohort().expression.mean(axis=0)).round(4)
    path = single("one column", cases.cohort().probes.tolist(), values.tolist(), tmp_path / "one.csv")
    calls = one.predict(lt.read_batch(path))
    assert look in calls.scales[0]
    if look.startswith("z-scores"):
        assert "off-scale" in calls.reasons[0]
        assert calls.other_units == [look]
    if unit in ("counts", "linear"):
        assert "off-scale" not in calls.reasons[0]
