"""Every layout gives the same cohort, with exact values."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csv_files import write_csv
from leukotype.cohort import Cohort
from leukotype.errors import BadIdentifiers, BadLabels, BadValues, DataWarning, UnreadableFile
from leukotype.readers import READERS, read, read_batch
from leukotype.readers.text import fast_numbers, lines_of, numbers_of, split

TURNED = "The file has probes in rows; the matrix was transposed to samples in rows."


def frame(n: int = 12, n_probes: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    table = pd.DataFrame(
        rng.uniform(3, 14, (n, n_probes)), columns=[f"{200000 + i}_at" for i in range(n_probes)]
    )
    table.insert(0, "type", np.repeat(["AML", "PB", "Bone Marrow"], n // 3))
    table.insert(0, "samples", [f"GSM{239170 + i}" for i in range(n)])
    return table


def values_of(table: pd.DataFrame) -> np.ndarray:
    return table.drop(columns=["samples", "type"]).to_numpy(float, copy=True)


def saved(folder: Path, content: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def csv(table: pd.DataFrame, **options) -> str:
    return table.to_csv(index=False, **options)


def turned(table: pd.DataFrame, corner: str = "probe", **options) -> str:
    """Probes in rows, the labels in the first row."""
    flipped = table.set_index("samples").T
    flipped.index.name = corner
    return flipped.to_csv(**options)


# Layouts: each writes the same cohort


LAYOUTS = {
    "commas": csv,
    "tabs": lambda t: csv(t, sep="\t"),
    "semicolons": lambda t: csv(t, sep=";"),
    "gzip": lambda t: gzip.compress(csv(t).encode()),
    "byte-order mark": lambda t: b"\xef\xbb\xbf" + csv(t).encode(),
    "byte-order mark in gzip": lambda t: gzip.compress(b"\xef\xbb\xbf" + csv(t).encode()),
    "CRLF": lambda t: csv(t, lineterminator="\r\n"),
    "CR": lambda t: csv(t, lineterminator="\r"),
    "no newline at the end": lambda t: csv(t).rstrip("\n"),
    "blank lines at the end": lambda t: csv(t) + "\n\n  \n",
    "quotes everywhere": lambda t: csv(t, quoting=1),
    "trailing delimiters": lambda t: csv(t).replace("\n", ",\n"),
    "trailing tabs": lambda t: csv(t, sep="\t").replace("\n", "\t\n"),
    "a trailing delimiter in the header": lambda t: csv(t).replace("\n", ",\n", 1),
    "trailing delimiters in the rows": lambda t: csv(t).replace("\n", ",,\n").replace(",,", "", 1),
    "spaces around the cells": lambda t: csv(t).replace(",", " , "),
    "label last": lambda t: csv(t[[c for c in t if c != "type"] + ["type"]]),
    "label and ids last": lambda t: csv(t[[c for c in t if c not in ("type", "samples")] + ["samples", "type"]]),
    "label in the middle": lambda t: csv(t[["samples", *t.columns[2:6], "type", *t.columns[6:]]]),
    "row numbers from pandas": lambda t: t.to_csv(),
    "row numbers from R": lambda t: csv(t.assign(X=range(1, len(t) + 1))[["X", *t.columns]]),
    "probes in rows": turned,
    "probes in rows, tabs": lambda t: turned(t, sep="\t"),
    "probes in rows, gzip": lambda t: gzip.compress(turned(t).encode()),
    "probes in rows, quoted": lambda t: turned(t, quoting=1),
    "probes in rows, empty corner cell": lambda t: turned(t, corner=""),
    "probes in rows, trailing tabs": lambda t: turned(t, sep="\t").replace("\n", "\t\n"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_cohort(layout, tmp_path):
    table = frame()
    content = LAYOUTS[layout](table)
    cohort = read(saved(tmp_path, content, "any name.at all"))
    plain = read(saved(tmp_path, csv(table), "plain.csv"))
    assert cohort.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(cohort.expression, values_of(table))
    assert cohort.samples.tolist() == table["samples"].tolist()
    assert cohort.labels.tolist() == table["type"].tolist()
    assert cohort.probes.tolist() == table.columns[2:].tolist()
    assert (TURNED in cohort.provenance.steps) == ("probes in rows" in layout)


def test_values_are_parsed_exactly(tmp_path):
    """Shortest decimals of doubles of all magnitudes are read as Python reads them."""
    rng = np.random.default_rng(0)
    numbers = rng.uniform(-1, 1, (20, 50)) * 10.0 ** rng.integers(-20, 4, (20, 50))
    table = pd.DataFrame(numbers, columns=[f"p{i}" for i in range(50)])
    table.insert(0, "type", ["a", "b"] * 10)
    path = saved(tmp_path, csv(table))
    found = read(path, scale="log2").expression
    np.testing.assert_array_equal(found, numbers)
    # The default parser of pandas before 3 can be off in the last digit.
    np.testing.assert_allclose(found, pd.read_csv(path).iloc[:, 1:].to_numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    "cell",
    ["7", "+7.5", ".5", "5.", "07.5", "1e1", "1E+1", "-0", "-0.0", " 7.5 ", '"7.5"', "12345678901234567890"],
)
@pytest.mark.parametrize("write", [csv, turned], ids=["samples in rows", "probes in rows"])
def test_unusual_number_formats_are_read_as_in_python(cell, write, tmp_path):
    content = write(frame().astype(object).replace({frame().iloc[4, 5]: "ODD"})).replace("ODD", cell)
    cohort = read(saved(tmp_path, content), scale="log2")
    number = cohort.expression[4, 3]
    assert number == float(cell.strip(' "'))
    assert not (number == 0 and np.signbit(number)), "fingerprints must not distinguish 0 from -0"


@pytest.mark.parametrize("token", ["", "NA", "nan", "NaN", "N/A", "#N/A", "null", "None", "?", "-", "."])
@pytest.mark.parametrize("write", [csv, turned], ids=["samples in rows", "probes in rows"])
@pytest.mark.parametrize("column", [2, 5, 10])
def test_missing_cells(token, write, column, tmp_path):
    table = frame().astype(object)
    for row in (0, 7):
        table.iloc[row, column] = "HOLE"
    path = saved(tmp_path, write(table).replace("HOLE", token))
    with pytest.raises(BadValues, match=r"2 missing values, the first in sample 'GSM239170'"):
        read(path)
    cohort = read(path, impute="median")
    expected = values_of(frame())
    expected[[0, 7], column - 2] = np.nan
    np.testing.assert_array_equal(cohort.expression, expected)
    assert any("Missing values (2)" in step for step in cohort.provenance.steps)


def test_probe_without_any_value_is_reported(tmp_path):
    table = frame().assign(**{"200003_at": ""})
    cohort = read(saved(tmp_path, csv(table)), impute="median")
    assert any("Probes without any value (1)" in step for step in cohort.provenance.steps)


def test_matrix_without_any_value_is_refused(tmp_path):
    table = frame()
    table.iloc[:, 2:] = np.nan
    with pytest.raises(BadValues, match="has no values"):
        read(saved(tmp_path, csv(table)), impute="median")


def test_constant_probes_are_counted_and_kept(tmp_path):
    table = frame().assign(**{"200003_at": 5.5, "200005_at": 7.0})
    cohort = read(saved(tmp_path, csv(table)))
    assert "Probes with the same value in every sample (2) were kept." in cohort.provenance.steps
    assert cohort.n_probes == 9
    table.loc[3, "200003_at"] = np.nan
    steps = read(saved(tmp_path, csv(table)), impute="median").provenance.steps
    assert any("same value in every sample (2)" in step for step in steps)


def test_one_probe_is_enough(tmp_path):
    assert read(saved(tmp_path, csv(frame(n_probes=1)))).expression.shape == (12, 1)


# Column names


def test_quoted_names_may_contain_delimiters_and_quotes(tmp_path):
    table = frame()
    names = ["a,b", 'c"d', "é Ω", "AFFX-r2-Ec-bioB-3_at", "x;y", "x\tz", "HLA-A", "1/2-SBSRNA4", "p q"]
    table.columns = ["samples", "type", *names]
    table["type"] = table["type"] + ', "so called"'
    cohort = read(saved(tmp_path, csv(table)), keep_controls=True)
    assert cohort.probes.tolist() == names
    assert cohort.classes == ('AML, "so called"', 'Bone Marrow, "so called"', 'PB, "so called"')


@pytest.mark.parametrize("name", ["type", "Label", "CLASS", "diagnosis", "cancer", "Phenotype"])
def test_label_column_is_found_by_name(name, tmp_path):
    assert read(saved(tmp_path, csv(frame().rename(columns={"type": name})))).class_counts == {
        "AML": 4,
        "Bone Marrow": 4,
        "PB": 4,
    }


def test_options_override_detected_columns(tmp_path):
    table = frame()
    table.insert(2, "relapse", ["yes", "no"] * 6)
    table.insert(3, "chip", [f"c{i}" for i in range(12)])
    cohort = read(saved(tmp_path, csv(table)), label="relapse", samples="chip")
    assert cohort.classes == ("no", "yes")
    assert cohort.samples[3] == "c3"
    assert cohort.covariates is not None
    assert list(cohort.covariates) == ["samples", "type"]


def test_labels_may_be_numbers(tmp_path):
    table = frame().assign(type=np.repeat([0, 1], 6))
    assert read(saved(tmp_path, csv(table))).class_counts == {"0": 6, "1": 6}
    table = table.rename(columns={"type": "grp"})
    cohort = read(saved(tmp_path, csv(table)), label="grp")
    assert cohort.classes == ("0", "1")
    assert cohort.n_probes == 9


def test_integer_sample_ids_stay_text(tmp_path):
    table = frame().assign(samples=[f"{i:03d}" for i in range(12)])
    assert read(saved(tmp_path, csv(table))).samples[:2].tolist() == ["000", "001"]


def test_without_sample_ids_rows_are_numbered(tmp_path):
    cohort = read(saved(tmp_path, csv(frame().drop(columns="samples"))))
    assert cohort.samples.tolist() == [str(i) for i in range(1, 13)]
    assert any("numbered from 1" in step for step in cohort.provenance.steps)


def test_row_numbers_are_not_a_probe(tmp_path):
    table = frame()
    cohort = read(saved(tmp_path, csv(table.assign(X=range(12))[["X", *table.columns]])))
    assert "X" not in cohort.probes
    assert cohort.n_probes == 9
    assert "Not expression, kept as covariates: X." in cohort.provenance.steps


def test_donors_and_covariates(tmp_path):
    table = frame()
    table.insert(2, "age", [30 + i for i in range(12)])
    table.insert(3, "sex", ["f", "m"] * 6)
    table.insert(4, "Patient", np.repeat(["p1", "p2", "p3", "p4", "p5", "p6"], 2))
    table.insert(5, "stage", ["", "2"] * 6)
    cohort = read(saved(tmp_path, csv(table)), donor="Patient")
    assert cohort.donors is not None
    assert cohort.donors[:3].tolist() == ["p1", "p1", "p2"]
    assert cohort.n_probes == 9
    covariates = cohort.covariates
    assert covariates is not None
    assert list(covariates) == ["age", "sex", "stage"]
    assert covariates["age"].tolist() == list(range(30, 42))
    assert covariates["sex"].tolist() == ["f", "m"] * 6
    assert covariates["stage"].isna().sum() == 6
    assert covariates["stage"].max() == 2
    assert read(saved(tmp_path, csv(table))).donors is None


def test_text_column_with_a_missing_first_cell_is_not_a_probe(tmp_path):
    table = frame()
    table.insert(4, "remark", ["", *["seen twice"] * 11])
    cohort = read(saved(tmp_path, csv(table)))
    assert cohort.n_probes == 9
    assert cohort.covariates is not None
    assert cohort.covariates["remark"].tolist()[:2] == ["", "seen twice"]
    np.testing.assert_array_equal(cohort.expression, values_of(frame()))


@pytest.mark.parametrize("write", [csv, turned], ids=["samples in rows", "probes in rows"])
@pytest.mark.parametrize("turn", range(12))
def test_sample_order_does_not_matter(turn, write, tmp_path):
    """A bad cell is refused and a sparse text column is a covariate, in any order of the samples."""
    order = np.roll(np.arange(12), turn)
    table = frame().astype(object)
    table.insert(4, "remark", [""] * 9 + ["seen twice", "lot 7", "old chip"])
    cohort = read(saved(tmp_path, write(table.iloc[order])))
    assert cohort.n_probes == 9
    assert cohort.covariates is not None
    assert cohort.covariates["remark"].tolist() == table["remark"].iloc[order].tolist()

    table.loc[3, "200004_at"] = "#VALUE!"
    with pytest.raises(BadValues, match=r"1 non-numeric cell; the first is '#VALUE!' in line .* '200004_at'"):
        read(saved(tmp_path, write(table.iloc[order])))


def test_error_names_the_first_bad_cell_by_line_then_column(tmp_path):
    table = frame().astype(object)
    table.iloc[0, 8] = "z"
    table.iloc[0, 3] = "y"
    table.iloc[5, 2] = "a"
    place = "3 non-numeric cells; the first is 'y' in line 2, column '200001_at'"
    with pytest.raises(BadValues, match=place):
        read(saved(tmp_path, csv(table)))


def test_label_column_may_be_last_when_the_first_is_called_name(tmp_path):
    table = frame(12, 30).rename(columns={"samples": "name"})
    cohort = read(saved(tmp_path, csv(table[["name", *table.columns[2:], "type"]])))
    np.testing.assert_array_equal(cohort.expression, values_of(frame(12, 30)))
    assert cohort.labels.tolist() == table["type"].tolist()


def test_classes_can_be_dropped(tmp_path):
    cohort = read(saved(tmp_path, csv(frame())), drop_class=("PB",))
    assert cohort.class_counts == {"AML": 4, "Bone Marrow": 4}
    assert any("4 samples of class PB left out" in step for step in cohort.provenance.steps)


def test_class_na_can_be_dropped_but_is_not_a_class(tmp_path):
    table = frame()
    table.loc[[2, 5], "type"] = "NA"
    path = saved(tmp_path, csv(table))
    with pytest.raises(BadLabels, match=r"2 samples without a label .* --drop-class NA"):
        read(path)
    assert read(path, drop_class=("NA",)).n_samples == 10


def test_missing_label_in_a_labels_file_is_not_a_class(tmp_path):
    rows = frame()[["samples", "type"]]
    rows.loc[[2, 5], "type"] = "NA"
    path, labels = (
        saved(tmp_path, csv(frame().drop(columns="type"))),
        saved(tmp_path, csv(rows), "labels.csv"),
    )
    message = r"2 samples without a label in the labels file, the first 'GSM239172' \('NA'\)"
    with pytest.raises(BadLabels, match=message):
        read(path, labels=labels)
    assert read(path, labels=labels, drop_class=("NA",)).n_samples == 10


def test_class_none_is_a_class(tmp_path):
    assert "none" in read(saved(tmp_path, csv(frame().replace({"type": {"PB": "none"}})))).classes


# Probes in rows


def expression_in_rows(corner: str = "ID_REF") -> str:
    return turned(frame().drop(columns="type"), corner=corner)


def labels_file(folder: Path, delimiter: str = ",") -> Path:
    rows = frame()[["samples", "type"]].sample(frac=1, random_state=0)
    return saved(folder, csv(rows, sep=delimiter), "labels.csv")


@pytest.mark.parametrize("corner", ["ID_REF", "probe", "Gene Symbol", "", "what ever"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_labels_from_a_file(corner, delimiter, tmp_path):
    path = saved(tmp_path, expression_in_rows(corner))
    cohort = read(path, labels=labels_file(tmp_path, delimiter))
    assert cohort.fingerprint == read(saved(tmp_path, csv(frame()), "plain.csv")).fingerprint


def test_labels_from_a_file_for_samples_in_rows(tmp_path):
    path = saved(tmp_path, csv(frame().drop(columns="type")))
    assert (
        read(path, labels=labels_file(tmp_path)).fingerprint
        == read(saved(tmp_path, csv(frame()), "p.csv")).fingerprint
    )


def test_label_option_may_name_a_row(tmp_path):
    table = frame().rename(columns={"type": "my groups"})
    cohort = read(saved(tmp_path, turned(table, corner="what ever")), label="my groups")
    assert cohort.classes == ("AML", "Bone Marrow", "PB")
    assert cohort.n_probes == 9


def test_rows_of_text_are_covariates(tmp_path):
    table = frame()
    table.insert(2, "tissue", ["blood", "marrow"] * 6)
    cohort = read(saved(tmp_path, turned(table)))
    assert cohort.covariates is not None
    assert cohort.covariates["tissue"].tolist() == ["blood", "marrow"] * 6


def test_numeric_rows_of_covariates_are_not_probes(tmp_path):
    table = frame().astype(object).assign(type=["0"] * 6 + ["1"] * 6)
    table.insert(2, "age", [str(age) for age in range(30, 42)])
    table.insert(3, "person", [str(i // 2) for i in range(12)])
    cohort = read(saved(tmp_path, turned(table)), donor="person")
    assert cohort.n_probes == 9
    assert cohort.classes == ("0", "1")
    assert cohort.donors is not None
    assert cohort.donors[:3].tolist() == ["0", "0", "1"]
    assert cohort.covariates is not None
    assert cohort.covariates["age"].tolist() == list(range(30, 42))


@pytest.mark.parametrize("row", [3, 9])
def test_error_names_the_place_of_a_bad_cell(row, tmp_path):
    table = frame().astype(object)
    table.iloc[4, row] = "hm"
    table.iloc[6, 10] = "so"
    place = f"2 non-numeric cells; the first is 'hm' in line {row + 1}, probe '{199998 + row}_at', sample 'GSM239174'"
    with pytest.raises(BadValues, match=place):
        read(saved(tmp_path, turned(table)))


def golub(order: list[int], accession: str = "Gene Accession Number") -> str:
    """The Kaggle layout: description, accession, then intensity and call of each patient, in any order."""
    rng = np.random.default_rng(1)
    intensities = rng.integers(-300, 20000, (30, 12))
    header = ["Gene Description", accession, *(cell for i in order for cell in (str(i), "call"))]
    lines = [",".join(header)]
    for number, row in enumerate(intensities):
        cells = [cell for i in order for cell in (str(row[i - 1]), "APM"[(number + i) % 3])]
        lines.append(
            ",".join([f'"Gene, number {number}"' if number % 3 else "control", f"X{number}_at", *cells])
        )
    return "\n".join(lines) + "\n"


def test_golub_layout(tmp_path):
    labels = saved(
        tmp_path,
        "patient,cancer\n" + "".join(f"{i},{'ALL' if i < 8 else 'AML'}\n" for i in range(1, 13)),
        "a.csv",
    )
    order = [3, 1, 2, 12, 4, 5, 6, 7, 8, 9, 10, 11]
    cohort = read(saved(tmp_path, golub(order)), labels=labels)
    assert cohort.samples.tolist() == [str(i) for i in order]
    assert cohort.probes.tolist() == [f"X{i}_at" for i in range(30)]
    assert cohort.labels.tolist() == ["ALL" if i < 8 else "AML" for i in order]
    intensities = np.random.default_rng(1).integers(-300, 20000, (30, 12))
    expected = np.log2(np.maximum(intensities[:, np.array(order) - 1].T, 1))
    np.testing.assert_array_equal(cohort.expression, expected)
    steps = " ".join(cohort.provenance.steps)
    assert "matrix was transposed" in steps
    assert "detection calls" in steps
    assert f"values below 1: {(intensities < 1).sum()}." in steps


def test_golub_without_labels_asks_for_labels(tmp_path):
    with pytest.raises(BadLabels, match="--labels"):
        read(saved(tmp_path, golub(list(range(1, 13)))))


def test_real_golub(data_folder):
    folder = data_folder / "golub"
    for part, n, counts in (
        ("train", 38, {"ALL": 27, "AML": 11}),
        ("independent", 34, {"ALL": 20, "AML": 14}),
    ):
        path = folder / f"data_set_ALL_AML_{part}.csv"
        assert read(path, labels=folder / "actual.csv").n_probes == 7129 - 58
        cohort = read(path, labels=folder / "actual.csv", keep_controls=True)
        assert (cohort.n_samples, cohort.n_probes) == (n, 7129)
        assert cohort.class_counts == counts
        table = pd.read_csv(path)
        raw = table[[column for column in table if column.isdigit()]].T
        assert cohort.samples.tolist() == raw.index.tolist()
        assert cohort.probes.tolist() == table["Gene Accession Number"].tolist()
        np.testing.assert_array_equal(cohort.expression, np.log2(np.maximum(raw.to_numpy(), 1)))


@pytest.mark.parametrize(
    "name",
    ["cumida/Leukemia_GSE9476_slice", "cumida/Leukemia_GSE9476_genes2000", "wide/chowdary_breast_colon"],
)
def test_real_cumida_layout(name, data_folder):
    path = data_folder / f"{name}.csv.gz"
    cohort = read(path, scale="log2")
    table = pd.read_csv(path, dtype={"samples": str})
    table = table[[column for column in table if not column.startswith("AFFX")]]
    np.testing.assert_allclose(cohort.expression, table.iloc[:, 2:].to_numpy(float), rtol=1e-14)
    assert cohort.samples.tolist() == table["samples"].tolist()
    assert cohort.labels.tolist() == table["type"].tolist()
    assert cohort.probes.tolist() == table.columns[2:].tolist()


# Control probes


def with_controls() -> pd.DataFrame:
    return frame().rename(columns={"200002_at": "AFFX-BioB-5_at", "200006_at": "AFFX-TrpnX-M_at"})


def test_control_probes_are_left_out_and_reported(tmp_path):
    table = with_controls()
    path = saved(tmp_path, csv(table))
    cohort = read(path)
    rest = [column for column in table.columns[2:] if not column.startswith("AFFX")]
    assert cohort.probes.tolist() == rest
    np.testing.assert_allclose(cohort.expression, table[rest].to_numpy(), rtol=1e-14)
    assert cohort.provenance.steps == ("2 control probes (AFFX-BioB-5_at ...) left out of the features.",)
    kept = read(path, keep_controls=True)
    assert kept.probes.tolist() == table.columns[2:].tolist()
    assert kept.provenance.steps == ()


def test_cache_entry_serves_both_values_of_keep_controls(tmp_path):
    path, cache = saved(tmp_path, csv(with_controls())), tmp_path / "cache"
    for _ in range(2):
        assert read(path, cache=cache).n_probes == 7
        assert read(path, cache=cache, keep_controls=True).n_probes == 9
    assert len(list(cache.glob("*.npy"))) == 1


def test_left_out_controls_are_not_checked(tmp_path):
    table = with_controls().assign(**{"AFFX-BioB-5_at": 7.0})
    table.loc[3, "AFFX-TrpnX-M_at"] = np.nan
    path = saved(tmp_path, csv(table))
    assert not any("same value" in step for step in read(path).provenance.steps)
    with pytest.raises(BadValues, match="1 missing value"):
        read(path, keep_controls=True)


def test_file_with_only_controls_is_refused(tmp_path):
    table = frame(n_probes=2).rename(columns={"200000_at": "AFFX-BioB-5_at", "200001_at": "AFFX-BioB-3_at"})
    with pytest.raises(BadValues, match=r"no probes except 2 control probes.*--keep-controls"):
        read(saved(tmp_path, csv(table)))
    assert read(saved(tmp_path, csv(table)), keep_controls=True).n_probes == 2


# Provenance


def test_provenance_names_the_file_and_its_hash(tmp_path):
    import hashlib

    path = saved(tmp_path, csv(frame()), "Leukemia_X.csv.gz")
    cohort = read(path)
    assert cohort.name == "Leukemia_X"
    assert cohort.provenance.source == str(path)
    assert cohort.provenance.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert cohort.provenance.steps == ()
    assert read(path, name="mine").name == "mine"


def test_readers_have_names_and_titles():
    assert [reader.name for reader in READERS] == ["golub", "transposed", "delimited"]
    assert all(reader.title for reader in READERS)


# Round trip

# Names without surrounding white space or line breaks, which the reader strips, and no missing labels.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp", "Cs")), min_size=1, max_size=8
).filter(lambda s: s == s.strip() and s.lower() not in {"na", "nan", "n/a", "#n/a", "null", "?"})


@given(
    samples=st.lists(names, min_size=4, max_size=7, unique=True),
    classes=st.lists(names, min_size=2, max_size=2, unique=True),
    data=st.data(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_cohort_is_read_back(samples, classes, data, tmp_path):
    n = len(samples)
    number = st.floats(allow_nan=False, allow_infinity=False, width=64)
    values = (
        np.array(data.draw(st.lists(st.lists(number, min_size=3, max_size=3), min_size=n, max_size=n))) + 0.0
    )
    labels = np.array([classes[i % 2] for i in range(n)])
    cohort = Cohort(values, labels, np.array(samples), np.array(["200000_at", 'p,"1"', "AFFX-Ω/3"]))
    path = tmp_path / "round.csv"
    write_csv(cohort, path)
    again = read(path, scale="log2", keep_controls=True)
    np.testing.assert_array_equal(again.expression, cohort.expression)
    assert again.labels.tolist() == labels.tolist()
    assert again.samples.tolist() == samples
    assert again.probes.tolist() == cohort.probes.tolist()
    assert again.fingerprint == cohort.fingerprint


# Cells


@pytest.mark.parametrize(
    "text",
    ["1,2", "1,2,3,4", "1,,3", "1,2,true", "1,2,null", "1,false,3", "[1,2,3]", "1,[2],3", "1,2,NaN", "a,b,c",
     "", '1,"2",3', "{},1,2", "1 2,3,4", "1,2,3]", "0x1,2,3", "1,2,Infinity"],
)  # fmt: skip
def test_fast_numbers_refuse_cells_that_are_not_plain(text):
    assert fast_numbers(text, ",", 3) is None


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from([",", "\t", ";"])
)
def test_fast_and_slow_numbers_agree(values, delimiter):
    cells = [repr(value) for value in values]
    fast = fast_numbers(delimiter.join(cells), delimiter, len(cells))
    slow, wrong = numbers_of(cells)
    assert wrong == []
    assert fast is not None
    np.testing.assert_array_equal(fast, values)
    np.testing.assert_array_equal(np.signbit(fast), np.signbit(slow))
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_decimal_comma_is_not_read_as_two_cells(delimiter):
    assert fast_numbers(f"1,5{delimiter}2", delimiter, 3) is None


def test_numbers_of_gives_positions_of_non_numeric_cells():
    numbers, wrong = numbers_of(["1", "x", "", "1_0", "inf", "5,3"])
    assert wrong == [1, 3, 5]
    np.testing.assert_array_equal(numbers[[0, 2, 4]], [1, np.nan, np.inf])
    assert numbers_of(["1", "1_0"])[1] == [1]


def test_all_line_endings_are_read():
    for end in ("\n", "\r\n", "\r"):
        assert lines_of(end.join(["a,b", "1,2", "", " "])) == ["a,b", "1,2"]


@pytest.mark.parametrize("line", ['"a', 'a,"b', '"a"b,c'])
def test_unmatched_quotes_are_refused(line):
    with pytest.raises(UnreadableFile, match=r"here has an unmatched quote"):
        split(line, ",", "here")


def test_error_names_a_repeated_id(tmp_path):
    table = frame()
    table.loc[3, "samples"] = table.loc[1, "samples"]
    with pytest.raises(BadIdentifiers, match="GSM239171"):
        read(saved(tmp_path, csv(table)))


def attacked(tmp_path, table: pd.DataFrame, **options) -> Cohort:
    return read(saved(tmp_path, csv(table)), **options)


LOG = frame(21, 12)
COUNTS = frame(21, 12).assign(**{
    name: np.random.default_rng(k).poisson(300, 21) for k, name in enumerate(frame(21, 12).columns[2:])
})  # fmt: skip


def test_a_silent_gene_in_a_small_panel_is_expression(tmp_path):
    silent = np.random.default_rng(1).uniform(0.2, 2, 21).round(3)
    assert "XIST" in attacked(tmp_path, LOG.assign(XIST=silent)).probes


@pytest.mark.parametrize(
    "cells",
    [
        [f"{x:,}".replace(",", "'") for x in range(2000, 9000, 334)],
        [f"{x:,}".replace(",", "\u202f") for x in range(2000, 9000, 334)],
        [f"{x}%" for x in range(21)],
        [f"\u2212{x / 10}" for x in range(1, 22)],
        [f"{x / 10} ng" for x in range(1, 22)],
        ["#DIV/0!"] * 21,
        ["Undetermined"] * 21,
    ],
)
def test_numbers_in_another_notation_are_not_a_text_column(cells, tmp_path):
    with pytest.raises(BadValues, match="non-numeric"):
        attacked(tmp_path, LOG.assign(ACTB=cells))


def test_fractions_among_counts_and_large_numbers_in_small_panels_are_refused(tmp_path):
    rng = np.random.default_rng(2)
    with pytest.raises(BadValues, match="'p' holds fractions"):
        attacked(tmp_path, COUNTS.assign(p=rng.uniform(0, 1, 21)))
    small = LOG[list(LOG)[:9]].assign(amount=rng.integers(8e6, 2e7, 21))
    with pytest.raises(BadValues, match="'amount'"):
        attacked(tmp_path, small)


def test_counts_have_one_scale_for_cohort_and_batch(tmp_path):
    rng = np.random.default_rng(3)
    low = LOG[["samples", "type"]].assign(
        **{f"G{k}": rng.poisson(5, 21) for k in range(4)}, G4=rng.poisson(400, 21)
    )
    path = saved(tmp_path, csv(low))
    np.testing.assert_array_equal(read(path).expression, read_batch(path).expression)
    few = LOG[["samples", "type"]].assign(**{f"G{k}": rng.poisson(4, 21) for k in range(9)})
    assert "counts" in read(saved(tmp_path, csv(few))).provenance.steps[-1]


def test_first_text_column_of_unique_cells_holds_the_ids(tmp_path):
    assert attacked(tmp_path, LOG.rename(columns={"samples": "Row.names"})).samples[0] == LOG["samples"][0]


def test_summary_rows_are_left_out(tmp_path):
    extra = dict.fromkeys(["__no_feature", "N_unmapped", "Total"], 12.5)
    cohort = attacked(
        tmp_path, LOG.assign(**{name: value + np.arange(21) % 4 for name, value in extra.items()})
    )
    assert cohort.n_probes == 12
    assert "__no_feature" in " ".join(cohort.provenance.steps)


def test_another_column_that_may_hold_the_classes_gives_a_warning(tmp_path):
    table = LOG.rename(columns={"type": "histology"}).assign(status=["Alive", "Dead", "Alive"] * 7)
    with pytest.warns(DataWarning, match="'histology'"):
        assert attacked(tmp_path, table).classes == ("Alive", "Dead")


@pytest.mark.parametrize("name", ["1-mars", "1-déc", "1-dic", "3月1日", "01.03.2021", "2021/03/01"])
def test_dates_of_other_languages_are_refused(name, tmp_path):
    with pytest.raises(BadIdentifiers, match="date"):
        attacked(tmp_path, LOG.rename(columns={"200000_at": name}))


@pytest.mark.parametrize("sep", [",", "\t"])
def test_header_of_r_without_a_name_for_the_row_names(sep, tmp_path):
    text = csv(LOG, sep=sep)
    short = saved(tmp_path, text.replace(f"samples{sep}", "", 1), "short.csv")
    np.testing.assert_array_equal(read(short).samples, LOG["samples"])
    assert "row names" in " ".join(read(short).provenance.steps)


def test_columns_of_results_are_not_samples(tmp_path):
    flipped = LOG.drop(columns="type").set_index("samples").T
    flipped.insert(0, "baseMean", 7.5)
    flipped.insert(4, "padj", 0.5)
    flipped.index.name = "gene"
    with pytest.raises(BadIdentifiers, match="'padj'"):
        read_batch(saved(tmp_path, flipped.to_csv()))
    assert read_batch(saved(tmp_path, flipped.drop(columns="padj").to_csv())).samples[0] == LOG["samples"][0]


def test_comment_above_the_header(tmp_path):
    with pytest.raises(UnreadableFile, match="comment"):
        read(saved(tmp_path, "# Program: featureCounts, v2\n" + csv(LOG)))


def test_similar_classes_give_no_warning_once_one_is_dropped(tmp_path):
    table = LOG.assign(type=["AML", "aml", "PB"] * 7)
    with pytest.warns(DataWarning, match="'AML'"):
        attacked(tmp_path, table)
    assert attacked(tmp_path, table, drop_class=["aml"]).provenance.warnings == ()


def test_classes_that_differ_in_one_letter_give_a_warning(tmp_path):
    with pytest.warns(DataWarning, match="one letter"):
        attacked(tmp_path, LOG.assign(type=["leukemia", "leukaemia", "PB"] * 7))
    with pytest.warns(DataWarning, match="'ALl'"):
        attacked(tmp_path, LOG.assign(type=["ALL", "ALl", "PB"] * 7))


@pytest.mark.parametrize("impute", [None, "median"])
def test_a_clinical_column_with_missing_values_is_not_imputed(impute, tmp_path):
    amounts = [str(900 + 37 * k % 400) if k % 4 else "" for k in range(21)]
    with pytest.raises(BadValues, match="--covariate amount"):
        attacked(tmp_path, LOG.assign(amount=amounts), impute=impute)
