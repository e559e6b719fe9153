"""docs/bundle.md is complete: a second reader written from it alone gives the same outputs."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import zipfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from leukotype import bundle
from leukotype.rules import KINDS
from rule_cases import NAMES, fitted, rule

PAGE = (Path(__file__).parents[1] / "docs" / "bundle.md").read_text(encoding="utf-8")


def opened(path):
    """Return the entries of `rule`, and its arrays by name."""
    with zipfile.ZipFile(path) as archive:
        spec = json.loads(archive.read("document.json"))["rule"]
        arrays = {}
        for member in archive.namelist():
            if member.startswith("arrays/rule."):
                with archive.open(member) as file:
                    arrays[member[len("arrays/rule.") : -len(".npy")]] = np.load(file, allow_pickle=False)
    return spec, arrays


def softmax(numbers):
    powers = [math.exp(number - max(numbers)) for number in numbers]
    return [power / sum(powers) for power in powers]


def linked(link, margins, n_classes):
    if link == "softmax":
        return softmax(margins)
    if link == "logistic":
        return [1 / (1 + math.exp(margins[0])), 1 / (1 + math.exp(-margins[0]))]
    if n_classes == 2:
        return [-margins[0], margins[0]]
    won, sums = [0.0] * n_classes, [0.0] * n_classes
    for margin, (first, second) in zip(margins, combinations(range(n_classes), 2), strict=True):
        won[first if margin >= 0 else second] += 1
        sums[first] += margin
        sums[second] -= margin
    return [duels + s / (3 * (abs(s) + 1)) for duels, s in zip(won, sums, strict=True)]


def linear(spec, a, x):
    return linked(spec["link"], list(a["weights"] @ (x - a["centre"]) + a["intercept"]), spec["n_classes"])


def trees(spec, a, x):
    leaves = []
    for node in a["roots"].tolist():
        while a["left"][node]:
            left = np.float32(x[a["column"][node]]) <= a["threshold"][node]
            node += int(a["left" if left else "right"][node])
        leaves.append(node)
    if spec["link"] == "vote":
        return list(a["value"][leaves].mean(axis=0))
    margins = [
        base + sum(a["value"][leaf, 0] for leaf, own in zip(leaves, a["group"], strict=True) if own == number)
        for number, base in enumerate(a["base"])
    ]
    return linked(spec["link"], margins, spec["n_classes"])


def neighbours(spec, a, x):
    apart = [math.dist((x - a["mean"]) / a["scale"], (own - a["mean"]) / a["scale"]) for own in a["samples"]]
    votes = [0.0] * spec["n_classes"]
    for sample in np.argsort(apart, kind="stable")[: spec["n_neighbors"]]:
        votes[a["labels"][sample]] += 1.0 if spec["weights"] == "uniform" else 1 / apart[sample]
    return [vote / sum(votes) for vote in votes]


def pairs(spec, a, x):
    duels, votes, start = list(combinations(range(spec["n_classes"]), 2)), [0.0] * spec["n_classes"], 0
    for count, (first, second) in zip(a["counts"].tolist(), duels, strict=True):
        own = slice(start, start + count)
        share = float(np.mean(x[a["upper"][own]] > x[a["lower"][own]])) if count else 0.5
        votes[second] += share
        votes[first] += 1 - share
        start += count
    return [vote / len(duels) for vote in votes]


def gaussian(spec, a, x):
    squares = ((x - a["mean"]) ** 2 / a["variance"]).sum(axis=1)
    normal = np.log(2 * np.pi * a["variance"]).sum(axis=1)
    return softmax(list(np.log(a["shares"]) - normal / 2 - squares / 2))


def perceptron(spec, a, x):
    h = (x - a["centre"]) @ a["weights_0"] + a["bias_0"]
    for layer in range(1, spec["n_layers"]):
        h = np.maximum(h, 0) @ a[f"weights_{layer}"] + a[f"bias_{layer}"]
    return linked(spec["link"], list(h), spec["n_classes"])


def constant(spec, a, x):
    return list(a["shares"])


SECOND = {
    function.__name__: function
    for function in (linear, trees, neighbours, pairs, gaussian, perceptron, constant)
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_second_reader_gives_the_same_outputs(name, n_classes, tmp_path):
    document, arrays = bundle.rule_members(rule(name, n_classes))
    bundle.write(tmp_path / "a.leuko", document, arrays, {})
    spec, read = opened(tmp_path / "a.leuko")
    samples = fitted(name, n_classes)[0].x_test[:, read["reads"]]
    found = [SECOND[spec["kind"]](spec, read, sample) for sample in samples]
    assert_allclose(found, rule(name, n_classes).output(samples), rtol=0, atol=1e-11)


def test_page_names_every_kind_model_and_array():
    rows = {line.split("|")[1].strip(" `"): line for line in PAGE.splitlines() if line.startswith("| `")}
    assert set(rows) >= {kind.kind for kind in KINDS}
    for name in NAMES:
        spec, arrays = rule(name).parts()
        assert f"`{name}`" in rows[spec["kind"]]
        for entry in {*spec, *arrays} - {"kind", "n_classes", "n_probes", "reads"}:
            stated = f"{entry[:-1]}i" if entry[-1].isdigit() else entry
            assert f"`{stated}`" in rows[spec["kind"]], f"{name}: {entry}"


def test_page_states_the_limits():
    from leukotype.bundle import npy, strict, zipped
    from leukotype.rules import fields, linear, trees

    plain = " ".join(PAGE.split())
    for stated in (
        f"{zipped.LARGEST_FILE // 2**20} MiB for the file and for all content together",
        f"{zipped.MOST_MEMBERS} members",
        f"{strict.LARGEST_JSON // 2**20} MiB of JSON, nested at most {strict.DEEPEST} deep",
        f"{strict.LARGEST_TEXT // 2**20} MiB for a text",
        f"(`n_classes`, 2 to {fields.MOST_CLASSES})",
        f"{trees.MOST_TREES:,} trees, {trees.MOST_NODES:,} nodes, {trees.MOST_DEPTH} splits on a path",
        f"{trees.MOST_STEPS:,} splits on the paths to all leaves",
        f"At most {linear.MOST_LAYERS} layers",
        f"At most {npy.MOST_DIMENSIONS} dimensions",
    ):
        assert stated in plain, stated
    assert zipped.LARGEST_FILE == zipped.LARGEST_CONTENT


@pytest.mark.slow
def test_base_r_reads_classifier_files():
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("R is not installed")
    here = Path(__file__).parent
    command = [rscript, str(here / "references" / "read_leuko.R"), str(here / "kept" / "linear-1.leuko")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1e-12
