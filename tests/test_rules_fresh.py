"""Every model, written to a file and read in another process, predicts as it did where it was fitted."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from leukotype import bundle
from rule_cases import NAMES, fitted, rule

_FRESH = """
import json, sys
from pathlib import Path
import numpy as np
from leukotype import bundle
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.leuko")):
    rule = bundle.rule_of(bundle.read(path))
    samples = np.load(path.with_suffix(".samples.npy"))
    np.save(path.with_suffix(".outputs.npy"), rule.output(samples[:, rule.reads]))
heavy = ("sklearn", "scipy", "pandas", "xgboost", "joblib", "leukotype.wide", "leukotype.models")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def test_a_fresh_process_predicts_the_same(tmp_path):
    for name in NAMES:
        document, arrays = bundle.rule_members(rule(name))
        bundle.write(tmp_path / f"{name}.leuko", document, arrays, {})
        np.save(tmp_path / f"{name}.samples.npy", fitted(name)[0].x_test)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FRESH, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Prediction must not load what only fitting needs.
    assert json.loads(done.stdout) == []
    for name in NAMES:
        fold, candidate = fitted(name)
        found = np.load(tmp_path / f"{name}.outputs.npy")
        assert_allclose(found, candidate.predict_proba(fold), rtol=0, atol=1e-12, err_msg=name)
        assert_array_equal(found, rule(name).output(fold.x_test[:, rule(name).reads]), err_msg=name)
