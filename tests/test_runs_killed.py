"""A study killed at random moments and resumed gives the same bytes, and no task runs twice; status of runs."""

from __future__ import annotations

import json
import random
import re
import shutil
import time
from pathlib import Path

import pytest

from leukotype import inference, manifest, results, runs
from leukotype.errors import Interrupted, OutputRefused, UnreadableFile
from leukotype.evaluation import CachingEngine, evaluate
from leukotype.execution.engine import Serial
from leukotype.models import plugins
from leukotype.resampling import Design, draw
from leukotype.results import folder
from leukotype.runs import NAME, Store, read_status
from run_cases import counts, start, write_plugin, write_tiny_csv

KILLS = 20
REQUEST = {"cohort": "tiny", "models": ["knn", "svm"], "seed": 0}


@pytest.mark.slow
def test_study_killed_twenty_times_gives_the_same_bytes(tmp_path):
    data, plugin = write_tiny_csv(tmp_path / "tiny.csv"), write_plugin(tmp_path)
    # A task takes a fifth of a second, so that tasks remain until the last kill.
    design = ("--outer", 3, "--inner", 2, "--repeats", 12)
    command = [
        "study",
        data,
        "--plugin",
        plugin,
        "--models",
        "slow,knn,majority",
        *design,
        "--jobs",
        1,
        "--out",
    ]
    rng = random.Random(20)
    out, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    finished: list[int] = []
    for _ in range(KILLS):
        driver = start(*command, out, cwd=tmp_path)
        try:
            before = len(finished_in(out))
            # Sometimes during the start, mostly during the tasks.
            moment = before + rng.choice([0, 1, 1, 2, 3])
            while driver.poll() is None and len(finished_in(out)) < moment:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.15))
        finally:
            driver.kill()
            driver.communicate()
        finished.append(len(finished_in(out)))
    assert finished == sorted(finished)
    assert 0 < finished[-1] < 108
    driver = start(*command, out, "--resume", cwd=tmp_path)
    messages = driver.communicate(timeout=300)[1]
    assert driver.returncode == 0, messages
    assert f"{finished[-1]} finished tasks" in messages
    driver = start(*command, undisturbed, cwd=tmp_path)
    driver.communicate(timeout=300)
    assert driver.returncode == 0
    facts = json.loads((undisturbed / "manifest.json").read_text())
    assert facts["finished_tasks"] == NAME
    assert "predictions.csv" in facts["reproducible"]
    for name in facts["reproducible"]:
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes(), name
    assert counts(out / NAME) == counts(undisturbed / NAME) == [1] * 108


def finished_in(out: Path) -> list[int]:
    try:
        return [0] * read_status(out).finished if (out / NAME).exists() else []
    except UnreadableFile:
        # The store was just created and has no tables yet.
        return []


# The folder of an unfinished run


def keep(out: Path, request=REQUEST, problem: BaseException | None = None, **options) -> None:
    """Run until one task is finished, and to the end if there is no problem."""
    with results.keeping(out, request, **options) as store:
        store.put(runs.Item("a" * 64, "tiny", "knn", "repeat 1, fold 1"), {"n": 1}, 0.1)
        if problem is not None:
            raise problem


def stop(out: Path, request=REQUEST, **options) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        keep(out, request, RuntimeError("killed"), **options)


def test_same_command_resumes(tmp_path):
    messages: list[str] = []
    stop(tmp_path / "out")
    results.check_output(tmp_path / "out", resume=True)
    with results.keeping(tmp_path / "out", REQUEST, say=messages.append) as store:
        assert len(store) == 1
    assert "1 finished task;" in messages[0]


def test_another_command_is_refused_with_the_difference(tmp_path):
    stop(tmp_path / "out")
    with (
        pytest.raises(OutputRefused, match=r"models: knn, svm there, knn here") as refused,
        results.keeping(tmp_path / "out", {**REQUEST, "models": ["knn"]}),
    ):
        pass
    assert "--overwrite" in str(refused.value)
    with Store(tmp_path / "out") as store:
        assert len(store) == 1


def test_overwrite_keeps_the_tasks_that_both_runs_need(tmp_path):
    stop(tmp_path / "out")
    with results.keeping(tmp_path / "out", {**REQUEST, "seed": 1}, overwrite=True) as store:
        assert len(store) == 1
    stop(tmp_path / "out", {**REQUEST, "seed": 1})


def test_other_commands_are_refused_in_the_folder_of_an_unfinished_study(tmp_path, tiny_cohort):
    stop(tmp_path / "out")
    with pytest.raises(OutputRefused, match="unfinished run"):
        results.check_output(tmp_path / "out")
    with pytest.raises(OutputRefused, match="unfinished run"):
        results.save_exploration(tiny_cohort, tmp_path / "out")


def test_run_without_finished_tasks_leaves_no_files(tmp_path):
    for problem in (RuntimeError("bad"), KeyboardInterrupt()):
        with (
            pytest.raises((RuntimeError, Interrupted)),
            results.keeping(tmp_path / "new" / "out", REQUEST),
        ):
            raise problem
        assert list(tmp_path.iterdir()) == []


def test_interruption_states_what_is_kept(tmp_path):
    with pytest.raises(Interrupted, match=r"1 finished task kept in .*out.*Repeat the command") as raised:
        keep(tmp_path / "out", problem=KeyboardInterrupt())
    assert raised.value.exit_code == 130


def test_resume_repeats_the_same_finished_result_only(tmp_path):
    out = tmp_path / "out"
    keep(out)
    (out / "manifest.json").write_text("{}")
    with results.keeping(out, REQUEST, resume=True) as store:
        assert len(store) == 1
    with (
        pytest.raises(OutputRefused, match="nothing to resume"),
        results.keeping(out, {**REQUEST, "seed": 5}, resume=True),
    ):
        pass


def test_resume_without_an_unfinished_run_starts_a_new_one(tmp_path):
    messages: list[str] = []
    with results.keeping(tmp_path / "out", REQUEST, resume=True, say=messages.append):
        pass
    assert "a new one starts" in messages[0]


def test_store_is_kept_with_the_result(tmp_path):
    out = tmp_path / "out"
    for number in (1, 2):
        with (
            results.keeping(out, {**REQUEST, "seed": number}, overwrite=number > 1) as store,
            folder.staged(out, overwrite=number > 1, resume=True) as place,
        ):
            store.put(runs.Item(f"{number:064x}", "tiny", "knn", "repeat 1, fold 1"), {"n": 1}, 0.1)
            (place / f"result{number}").touch()
            manifest.write(place, command="", facts={})
            assert len(store) == number
        assert sorted(path.name for path in out.iterdir()) == ["manifest.json", f"result{number}", NAME]
        with pytest.raises(OutputRefused, match="earlier result"):
            results.check_output(out, resume=True)
        results.check_output(out, overwrite=True)
    (out / "mine.txt").touch()
    with pytest.raises(OutputRefused, match=r"'mine\.txt'"):
        results.check_output(out, overwrite=True, resume=True)


def test_request_distinguishes_studies(tiny_cohort):
    models = plugins.choose(["knn", "svm"])
    requests = [
        results.request(tiny_cohort, draw(tiny_cohort, design), chosen, tune_by=tune_by)
        for design, chosen, tune_by in (
            (Design(3, 2), models, "log_loss"),
            (Design(3, 2, 2), models, "log_loss"),
            (Design(3, 2, seed=1), models, "log_loss"),
            (Design(3, 2), models[:1], "log_loss"),
            (Design(3, 2), models, "accuracy"),
        )
    ]
    assert len({json.dumps(request) for request in requests}) == 5


# Status


def test_status_during_and_after_a_run(tiny_cohort, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    slow, missing = plugins.load(write_plugin(tmp_path))[:2]
    seen = []
    with Store(out) as store:
        evaluate(
            tiny_cohort,
            [slow, missing],
            design=Design(3, 2),
            jobs=1,
            store=store,
            on_done=lambda result: seen.append(read_status(out)),
            on_failure=lambda failed: None,
        )
    assert [status.finished for status in seen] == [1, 2, 3]
    assert {status.state for status in seen} == {"running"}
    assert {status.planned for status in seen} == {6}
    assert seen[0].driver.startswith("process ")
    assert all(status.rate is not None and status.rate > 0 for status in seen)
    assert seen[0].remaining is not None
    after = read_status(out)
    assert (after.state, after.finished, after.planned, after.computed) == ("finished", 3, 6, 3)
    assert [(row.model, row.planned, row.finished) for row in after.progress] == [
        ("slow", 3, 3),
        ("missing", 3, 0),
    ]
    assert [(one.model, one.part) for one in after.failures] == [
        ("missing", f"repeat 1, fold {fold}") for fold in (1, 2, 3)
    ]
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    read_status(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_status_of_a_killed_run(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    store = Store(out)
    items = [runs.Item(f"{number:064x}", "tiny", "knn", f"fold {number}") for number in range(4)]
    store.plan(items)
    store.put(items[0], {"n": 1}, 2.0)
    # A killed driver leaves a log that is not yet moved into the store, and no end of the session.
    shutil.copytree(out, tmp_path / "killed")
    store.close()
    lock = tmp_path / "killed" / runs.LOCK
    lock.write_text(re.sub(r'"started": "[^"]*"', '"started": "another"', lock.read_text()))
    status = read_status(tmp_path / "killed")
    assert (status.state, status.finished, status.planned) == ("stopped", 1, 4)
    assert status.remaining is not None
    assert status.remaining > 0


@pytest.mark.parametrize("content", [None, b"", b"no database\n" * 999])
def test_status_without_a_run_is_a_one_line_error(tmp_path, content):
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    with pytest.raises(UnreadableFile, match="has no run" if content is None else "damaged") as raised:
        read_status(tmp_path)
    assert "\n" not in str(raised.value)


# Refits after the evaluation


@pytest.mark.parametrize("what", ["permutations", "leaks", "learning curve"])
def test_refits_are_kept_and_restored_exactly(tiny_cohort, tmp_path, what):
    models = plugins.choose(["knn", "centroids"])
    found = evaluate(tiny_cohort, models, design=Design(3, 2), jobs=1)

    def ask(engine):
        if what == "permutations":
            test = inference.permutation_test(found, models=models, n_permutations=5, jobs=engine)
            return test.table().to_csv()
        if what == "leaks":
            return inference.price_leaks(found, models=models, n_splits=2, jobs=engine).to_csv()
        return inference.learning_curve(found, models=models, jobs=engine).table().to_csv()

    class Counted(Serial):
        n_done = 0

        def outcomes(self, work, matrix, tasks):
            for outcome in super().outcomes(work, matrix, tasks):
                self.n_done += 1
                yield outcome

    plain = ask(1)
    engine = Counted()
    with Store(tmp_path) as store:
        kept = CachingEngine(engine, store, tiny_cohort)
        assert ask(kept) == plain
        n_first = engine.n_done
        assert n_first > 0
        assert len(store) == n_first
        assert ask(kept) == plain
    assert engine.n_done == n_first
    with Store(tmp_path) as store:
        assert ask(CachingEngine(engine, store, tiny_cohort)) == plain
    assert engine.n_done == n_first
