"""The page of a batch of calls: complete for each sample, without markup from names, and without scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from leukotype.classifier.calls import REASONS, Calls, Driver, Evidence
from leukotype.cohort import Provenance
from leukotype.results.calls_page import calls_page

ODD = ("<script>alert(1)</script>", "a\"b'c & d", "ü | µ, 10 %", "{{ 7 * 7 }}", "GSM1.CEL.gz")
RECORD = {"model": {"title": "Logistic"}, "cohort": {"name": "x", "n_samples": 30, "simulated": False}}
SOURCE = Provenance("new.csv", "cd" * 32, steps=("Turned.",))


def calls(n: int = 5, classes: tuple[str, ...] = ("A", "B<i>", "C")) -> Calls:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(len(classes)), n)
    names = [ODD[k] if k < len(ODD) else f"s{k}" for k in range(n)]
    # The first sample is called; each further sample has one more reason for abstention.
    reasons = tuple(REASONS[: k % (len(REASONS) + 1)] for k in range(n))
    drivers = (
        Driver("1_at", "GENE<1>", 1.5, 8.25, 6.0, imputed=False),
        Driver("2_at", "", -0.75, 5.0, 5.5, imputed=True),
    )
    evidence = tuple(
        Evidence(int(row.argmax()), drivers, 0.25, -1.0, "exact", "log odds of the class") for row in p
    )
    return Calls(
        classes, np.array(names), p, reasons, p > 0.3, 0.9, np.ones(n), np.linspace(0.01, 1, n),
        np.arange(n, dtype=np.intp), 100 + n, ("as given",) * n, "2 of 2 probes matched.", "About 90 %.", evidence,
    )  # fmt: skip


def drawn(one: Calls, **record: object) -> str:
    classifier = SimpleNamespace(
        signed_by="", name="Lab <1>", fingerprint="ab" * 32, classes=("A", "B"), record={**RECORD, **record}
    )
    return calls_page(one, classifier=classifier, source=SOURCE, command="leukotype predict a b")


class Outline(HTMLParser):
    """Text, tags and attributes of a page; fails where elements are not closed in order."""

    VOID = frozenset({"meta", "rect", "line", "br", "img"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    assert found.open == []
    return found


@pytest.mark.parametrize("n", [1, 5, 40])
@pytest.mark.parametrize("n_classes", [2, 3, 12])
def test_every_sample_is_complete(n, n_classes):
    one = calls(n, tuple(f"class {k}" for k in range(n_classes)))
    found = outline(drawn(one))
    assert found.tags.count("article") == n
    text = " ".join(found.text.split())
    for row in range(n):
        assert str(one.samples[row]).strip() in text
    for name in {one.classes[code] for code in one.predicted.tolist()}:
        assert name in text
    assert f"{int(one.called.sum())} of {n}" in text
    assert "For research only" in text
    assert ("others" in text) == (n_classes > 6)


def test_reasons_are_shown_with_the_sample_and_counted():
    found = outline(drawn(calls(5)))
    text = " ".join(found.text.split())
    assert "abstained off-scale; nearest to" in text
    assert (
        "abstained off-scale, too many probes missing, unlike the training samples, low margin; nearest"
        in text
    )
    for place, reason in enumerate(REASONS):
        assert f"Abstained {4 - place} {reason}" in text


def test_names_are_never_markup():
    text = drawn(calls(5))
    found = outline(text)
    assert "script" not in found.tags
    assert "i" not in found.tags
    assert ODD[0] in found.text
    assert ODD[3] in found.text
    assert "Lab <1>" in found.text
    assert "49" not in re.findall(r"<h3>(.*?)</h3>", text)


def test_nothing_runs_and_nothing_is_fetched():
    text = drawn(calls(5))
    found = outline(text)
    policy = next(
        value for name, value in found.attributes if name == "content" and value and "default" in value
    )
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert not any(name.startswith("on") or name == "src" for name, _ in found.attributes)
    assert all(value is None or value.startswith("#") for name, value in found.attributes if name == "href")
    assert "url(" not in text


def test_contributions_are_drawn_to_one_scale_and_signed():
    text = drawn(calls(1))
    widths = re.findall(r'<rect x="(-?[\d.]+)" width="([\d.]+)" height="10" fill="(#\w+)"', text)
    assert widths == [("0.0", "60.0", "#0b5394"), ("-30.0", "30.0", "#b35900")]
    assert "+1.5" in text
    assert "-0.75" in text
    assert "5.00 (imputed)" in text
    assert "+0.25" in text


def test_without_sets_genes_or_evidence_none_is_shown():
    bare = replace(calls(3), sets=None, evidence=(), sets_note="")
    found = outline(drawn(bare, model=None, cohort={"simulated": True}))
    assert "details" not in found.tags[found.tags.index("main") :]
    assert " set: " not in found.text
    assert "SIMULATED" in found.text
    assert "unknown" in found.text
    drivers = tuple(replace(driver, symbol="") for driver in calls(1).evidence[0].drivers)
    plain = replace(calls(1), evidence=(replace(calls(1).evidence[0], drivers=drivers),))
    assert "Gene" not in outline(drawn(plain)).text.replace("GENE", "")


def test_the_same_calls_give_the_same_bytes():
    assert drawn(calls(5)) == drawn(calls(5))
    assert len(drawn(calls(1000)).encode()) < 8_000_000
