"""Pictures of charts: the same in any process, the same with and without title, and nothing left after a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import psutil
import pytest
import vl_convert

import picture_tasks
import report_cases
from conftest import make_tiny_cohort
from leukotype import pictures, results
from leukotype.errors import DrawingFailed
from leukotype.evaluation import evaluate
from leukotype.figures import FIGURES, Figure
from leukotype.figures.files import vegalite_version
from leukotype.inference import learning_curve, permutation_test, price_leaks
from leukotype.inference.leaderboard import Leaderboard
from leukotype.pictures import Renderer
from leukotype.resampling import Design
from leukotype.results import rendered
from leukotype.studies import of_evaluation
from test_leaderboard import table
from test_validation import MARGIN, SURE, UNLIKE, made

CHART = {
    "data": {"values": [{"a": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "nominal"}},
}


# Small pictures of each part; the comparison of the others takes seconds.
QUICK = ("class-counts", "confusion", "roc", "learning-curve", "critical-difference")


def each(figure: Figure) -> Any:
    marks = () if figure.name in QUICK else (pytest.mark.slow,)
    return pytest.param(figure, id=f"{figure.part}-{figure}", marks=marks)


@pytest.fixture(scope="module")
def sources() -> dict[str, Any]:
    """What the figures of each part are drawn from; most names are markup."""
    plain = of_evaluation(evaluate(make_tiny_cohort(), ["knn", "majority"], design=Design(3, 2, 2), jobs=1))
    full = replace(
        plain,
        permutation=permutation_test(plain.evaluation, n_permutations=9, jobs=1),
        learning=learning_curve(plain.evaluation, fractions=(0.7, 0.85, 1.0), jobs=1),
        leaks=price_leaks(plain.evaluation, n_splits=4, n_selected=5, jobs=1),
    )
    hostile = report_cases.evaluation(report_cases.hostile_cohort(), {"knn": 2.0, "majority": 0.0})
    truth = [*SURE, "T-ALL", "AML", "PB"]
    external = made(truth, [SURE.get(name, SURE["AML"]) for name in truth], {1: MARGIN, 3: UNLIKE})
    return {
        "data": hostile.cohort,
        "evaluation": hostile,
        "study": full,
        "benchmark": Leaderboard.of(table(4)),
        "validation": external,
    }


@pytest.fixture(scope="module")
def renderer():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "available_cores", lambda: 2)
        with Renderer() as found:
            found.start()
            yield found


def children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if any("popen_loky" in word for word in child.cmdline()):
                found.append(child)
    return found


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with two cores, on which no process may be left."""
    before = children()
    monkeypatch.setattr(pictures, "available_cores", lambda: 2)
    yield
    assert children() == before


@pytest.mark.parametrize("figure", [each(figure) for figure in FIGURES])
def test_pictures_are_the_same_in_any_process_and_without_the_title(
    figure: Figure, sources: dict[str, Any], renderer: Renderer
) -> None:
    source = sources[figure.part]
    assert figure.applies(source) is None
    drawing = figure.draw(source)
    beside = renderer.draw(drawing.spec, vegalite_version())
    here = pictures.draw(drawing.spec, vegalite_version())
    assert beside() == here
    assert here.untitled
    # No tolerance: whole pixels separate the two, so that edges are smoothed alike.
    alone = pictures.svg_of(rendered._untitled(drawing.spec), vegalite_version())
    assert pixels(here.untitled) == pixels(alone)
    assert escape(figure.title) in here.svg


def pixels(svg: str) -> bytes:
    return bytes(vl_convert.svg_to_png(svg, scale=1.0))


def test_a_chart_without_a_known_title_is_drawn_twice() -> None:
    assert not pictures.draw(CHART).untitled
    assert not pictures._without_title("<svg/>")


@pytest.mark.slow
@pytest.mark.usefixtures("two_cores")
def test_a_report_has_the_same_bytes_beside_this_process(tmp_path: Path) -> None:
    cohort = make_tiny_cohort()
    with Renderer() as started:
        started.start()
        results.save_exploration(cohort, tmp_path / "beside", renderer=started)
    results.save_exploration(cohort, tmp_path / "here")
    written = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.*"))
    assert len(written) > 12
    for name in written:
        assert (
            name.name == "manifest.json"
            or (tmp_path / "here" / name).read_bytes() == (tmp_path / "beside" / name).read_bytes()
        )


@pytest.mark.usefixtures("two_cores")
def test_a_process_that_dies_costs_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_draw_task", picture_tasks.die_once)
    marker = tmp_path / "marker"
    before = children()
    chart = {**CHART, "usermeta": {"marker": str(marker)}}
    with Renderer() as started:
        started.start()
        waiting = [started.draw(chart), started.draw(CHART)]
        found = [wait() for wait in waiting]
        # An idle process that was killed is replaced too.
        for child in children():
            if child not in before:
                child.kill()
        found.append(started.draw(CHART)())
    assert marker.exists()
    here = pictures.draw(CHART)
    assert found == [here, here, here]


@pytest.mark.usefixtures("two_cores")
def test_a_picture_that_kills_every_process_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_draw_task", picture_tasks.always_die)
    with Renderer() as started:
        started.start()
        with pytest.raises(DrawingFailed, match="3 tries") as caught:
            results.save_exploration(make_tiny_cohort(), tmp_path / "out", renderer=started)
    assert len(str(caught.value)) <= 300
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("two_cores")
def test_without_a_process_pictures_are_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr("leukotype.execution.processes._Worker", refuse)
    with Renderer() as started:
        started.start()
        assert started.draw(CHART)() == pictures.draw(CHART)


@pytest.mark.usefixtures("two_cores")
def test_a_faulty_chart_raises_the_same_beside_this_process() -> None:
    faulty = {"mark": "no such mark"}
    with pytest.raises(ValueError, match="conversion failed") as here:
        pictures.draw(faulty)
    with Renderer() as started:
        started.start()
        with pytest.raises(ValueError, match="conversion failed") as beside:
            started.draw(faulty)()
    assert str(here.value) == str(beside.value)


@pytest.mark.usefixtures("two_cores")
def test_the_process_starts_afresh_and_loads_only_the_converter() -> None:
    before = children()
    with Renderer() as started:
        started.start()
        started.draw(CHART)()
        # Started by name, not forked: a copy of a process with threads may hang.
        assert len(children()) == len(before) + 1
        assert started._helper is not None
        outcome = started._helper.submit(picture_tasks.loaded, None).result()
    assert outcome is not None
    assert outcome.result is not None
    assert "vl_convert" in outcome.result
    assert not {"altair", "pandas", "sklearn"} & set(outcome.result)


_STUCK = """
import signal, time
# A command in the background of a shell script ignores SIGINT, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from leukotype import pictures
from leukotype.pictures import Renderer
pictures.available_cores = lambda: 2
def stuck(matrix, task):
    print("working", flush=True)
    time.sleep(60)
with Renderer() as renderer:
    renderer.start()
    renderer._helper.submit(stuck, None).result()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_ends_its_process(sent: signal.Signals) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", _STUCK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == "working\n"
        beside = psutil.Process(run.pid).children()
        assert beside
        begin = time.monotonic()
        run.send_signal(sent)
        try:
            assert run.wait(20) != 0
        finally:
            run.kill()
        _, alive = psutil.wait_procs(beside, timeout=20)
        assert not alive
        assert time.monotonic() - begin < 20
