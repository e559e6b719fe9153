"""Simulated cohorts with known truth, with the layout and size of GSE9476, and null cohorts.

`realistic` resembles real cohorts and is the default dataset; `simulate` plants markers of a chosen effect.  The
constants are quantiles of the probe means and standard deviations of 51 samples of GSE9476 (RMA, HG-U133A), and a few
parameters fitted to real cohorts (docs/decisions/0014-simulator.md); no patient's value is included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.cohort import Cohort, Provenance
from leukotype.errors import BadValues

GSE9476_CLASSES: Mapping[str, int] = {
    "Bone_Marrow_CD34": 8,
    "Bone_Marrow": 10,
    "AML": 26,
    "PB": 10,
    "PBSC_CD34": 10,
}
_NULL_CLASSES: Mapping[str, int] = {
    "Bone_Marrow_CD34": 8,
    "Bone_Marrow": 9,
    "AML": 25,
    "PB": 9,
    "PBSC_CD34": 9,
}
GSE9476_PROBES = 22283
N_CONTROLS = 68

# Quantiles of the mean of a probe (log2 intensity).
_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_MEANS = (3.4, 3.68, 4.07, 4.44, 5.29, 6.39, 7.48, 8.6, 9.36, 11.78, 13.99)
# Median standard deviation within a class by mean, and the spread of its logarithm.
_SD_AT = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0)
_SD = (0.09, 0.13, 0.19, 0.23, 0.31, 0.42, 0.48, 0.5, 0.51, 0.45, 0.36)
_LOG_SD_SPREAD = 0.38
# Similar classes: the two CD34-selected compartments.
_SHARED = (("Bone_Marrow_CD34", "PBSC_CD34"),)

# Fitted so that real and simulated cohorts agree in what benchmarks/calibration/simulator.py measures.
# Difference between two levels, in standard deviations within a class: median over probes, spread of the logarithm.
_EFFECT, _EFFECT_SPREAD = 0.6, 0.95
# Share of probes that the two CD34-selected compartments always have in common.
_ALIKE = 0.5
# Most probes have two levels among the classes; this is the spread of a class around its level, per difference.
_GRADED = 0.15
# How far a sample is mixed with every class: standard deviation of its share.
_MIXING = 0.2
# Co-expression factors: number, fall of their strength, and distribution of the share that they explain of a probe.
_FACTORS, _FALL, _SHARE = 20, 0.7, (2.0, 4.5)
# A probe that differs more between the classes is explained more by the factors.
_SHARE_OF_EFFECT = 0.4
# Range of the arrays; means outside it are cut off.
_RANGE = (2.5, 15.0)

# Separates the random stream of fresh samples from that of the cohort with the same seed.
_FRESH = 1


@dataclass(frozen=True, eq=False)
class Population:
    """The known distribution from which samples are drawn.

    classes     : names, in the order of the rows of `means`
    means       : (n_classes, n_probes) expected log2 intensity
    deviations  : (n_probes,) unit of the loadings and the noise, log2 intensity
    loadings    : (n_factors, n_probes) weights of the factors that a sample has in common over its probes
    noise       : (n_probes,) weight of a probe's own noise

    The standard deviation within a class is `deviations` times the root of the sum of squares of loadings and noise,
    which is 1 in `simulate`.

    array_shift : standard deviation of the shift of a whole array
    markers     : column indices of each class's marker probes
    """

    classes: tuple[str, ...]
    probes: StrArray
    means: FloatArray
    deviations: FloatArray
    loadings: FloatArray
    noise: FloatArray
    array_shift: float
    markers: dict[str, IntArray]

    def draw(
        self, class_sizes: Mapping[str, int], seed: int | tuple[int, ...], name: str = "simulated"
    ) -> Cohort:
        """Draw new samples; rows are grouped by class, as in CuMiDa.

        Raises BadValues for an unknown class or a class without samples.
        """
        unknown = [label for label in class_sizes if label not in self.classes]
        if unknown or not class_sizes or min(class_sizes.values()) < 1:
            raise BadValues(
                f"cannot draw {dict(class_sizes)}: the population has classes {', '.join(self.classes)}, and each "
                "named class needs at least one sample."
            )
        rng = np.random.default_rng(seed)
        codes = np.repeat([self.classes.index(label) for label in class_sizes], list(class_sizes.values()))
        n = len(codes)
        factors = rng.standard_normal((n, len(self.loadings)))
        values = rng.standard_normal((n, len(self.probes)))
        values *= self.noise
        values += factors @ self.loadings
        values *= self.deviations
        values += self.means[codes] + self.array_shift * rng.standard_normal((n, 1))
        return Cohort(
            expression=np.maximum(values, 2.0).round(6),
            labels=np.array(self.classes)[codes],
            samples=np.arange(1, n + 1).astype(str),
            probes=self.probes,
            name=name,
            provenance=Provenance(
                source="leukotype.datasets.simulate",
                scale="simulated log2 intensity",
                steps=(f"Simulated with seed {seed}; these are not values of patients.",),
                simulated=True,
            ),
        )


@dataclass(frozen=True, eq=False)
class Simulation:
    """A cohort and the population from which it was drawn."""

    cohort: Cohort
    population: Population

    @property
    def markers(self) -> dict[str, IntArray]:
        """Column indices of each class's marker probes."""
        return self.population.markers

    def fresh(self, class_sizes: Mapping[str, int], seed: int) -> Cohort:
        """Draw new samples of the same population, as a test set for the true accuracy.

        No seed reproduces the samples of the cohort.
        """
        return self.population.draw(class_sizes, (seed, _FRESH), f"{self.cohort.name}, fresh")


def simulate(
    class_sizes: Mapping[str, int] | None = None,
    n_probes: int = GSE9476_PROBES,
    *,
    markers_per_class: int | None = None,
    effect: float = 1.0,
    composition: float = 1.0,
    n_factors: int = 12,
    correlation: float = 0.35,
    array_shift: float = 0.05,
    seed: int = 0,
    name: str = "simulated cohort",
) -> Simulation:
    """Simulate a cohort with known truth.

    class_sizes       : samples of each class; by default those of GSE9476
    markers_per_class : number of probes with a shifted mean in a class; by default 2 % of the probes
    effect            : mean size of a shift, in standard deviations of the probe within a class
    composition       : standard deviation of a class's mean on each co-expression factor, in standard deviations of
                        the factor within a class; it shifts many probes together
    n_factors         : number of co-expression factors, the same in every class
    correlation       : mean share of a probe's variance that the factors explain
    array_shift       : standard deviation of an array's overall intensity (log2)

    The two CD34-selected compartments of GSE9476 share nine tenths of their markers and most of their composition,
    so they are hard to separate, as in the real cohort.  Raises BadValues for impossible parameters.
    """
    sizes = dict(GSE9476_CLASSES if class_sizes is None else class_sizes)
    wanted = max(1, n_probes // 50) if markers_per_class is None else markers_per_class
    if not sizes or min(sizes.values()) < 1 or n_probes < 1 or not 0 <= wanted <= n_probes:
        raise BadValues(
            f"{sizes} samples, {n_probes} probes, {wanted} markers per class: each class needs a sample, "
            "and there cannot be more markers than probes."
        )
    if n_factors < 1 or not 0 <= correlation < 1 or array_shift < 0:
        raise BadValues(
            f"{n_factors} factors, correlation {correlation}, array shift {array_shift}: needed are at least one "
            "factor, 0 <= correlation < 1 and a shift of at least 0."
        )
    rng = np.random.default_rng([seed, 9476])
    base = np.interp(rng.uniform(size=n_probes), _LEVELS, _MEANS)
    spread = np.exp(_LOG_SD_SPREAD * rng.standard_normal(n_probes))
    deviations = np.interp(base, _SD_AT, _SD) * spread
    share = np.clip(rng.beta(2, 2 * (1 - correlation) / max(correlation, 1e-9), n_probes), 0, 0.95)
    share *= correlation > 0
    loadings = rng.standard_normal((n_factors, n_probes))
    loadings *= np.sqrt(share) / np.sqrt((loadings**2).sum(axis=0))
    markers = {label: np.sort(rng.choice(n_probes, wanted, replace=False)) for label in sizes}
    for first, second in _SHARED:
        if first in markers and second in markers:
            own = max(1, wanted // 10)
            markers[second] = np.unique(np.concatenate([markers[first][own:], markers[second][:own]]))
    centres = composition * rng.standard_normal((len(sizes), n_factors))
    for first, second in _SHARED:
        if first in sizes and second in sizes:
            pair = [list(sizes).index(label) for label in (first, second)]
            centres[pair[1]] = 0.8 * centres[pair[0]] + 0.6 * centres[pair[1]]
    means = base + (centres @ loadings) * deviations
    shifts = effect * rng.gamma(4.0, 0.25, n_probes) * rng.choice([-1.0, 1.0], n_probes) * deviations
    for row, label in enumerate(sizes):
        means[row, markers[label]] += shifts[markers[label]]
    population = Population(
        tuple(sizes),
        _probe_ids(n_probes),
        means,
        deviations,
        loadings,
        np.sqrt(1 - share),
        array_shift,
        markers,
    )
    return Simulation(population.draw(sizes, seed, name), population)


def realistic(
    class_sizes: Mapping[str, int] | None = None,
    n_probes: int = GSE9476_PROBES,
    *,
    seed: int = 0,
    name: str = "simulated cohort",
) -> Simulation:
    """Simulate a cohort that is as difficult, and difficult in the same way, as real ones.

    class_sizes : samples of each class; by default those of GSE9476

    Half of the probes differ between the classes, most of them little and some very much.  A probe has two levels, and
    each class has one of them at random, so that a single probe separates few classes and a hundred random probes
    separate all.  Each sample is mixed with the other classes to some degree.  Co-expression factors correlate the
    probes within the classes.  Markers of a class are the probes whose mean there differs from the mean of the other
    classes by more than one standard deviation.  Raises BadValues for impossible sizes.
    """
    sizes = dict(GSE9476_CLASSES if class_sizes is None else class_sizes)
    if not sizes or min(sizes.values()) < 1 or n_probes < 1:
        raise BadValues(f"{sizes} samples, {n_probes} probes: each class needs a sample, and one probe.")
    rng = np.random.default_rng([seed, 9477])
    base = np.interp(rng.uniform(size=n_probes), _LEVELS, _MEANS)
    spread = np.exp(_LOG_SD_SPREAD * rng.standard_normal(n_probes))
    deviations = np.interp(base, _SD_AT, _SD) * spread
    levels = (rng.random((len(sizes), n_probes)) < 0.5).astype(np.float64)
    for first, second in _SHARED:
        if first in sizes and second in sizes:
            pair = [list(sizes).index(label) for label in (first, second)]
            alike = rng.random(n_probes) < _ALIKE
            levels[pair[1], alike] = levels[pair[0], alike]
    effect = _EFFECT * np.exp(_EFFECT_SPREAD * rng.standard_normal(n_probes))
    shifts = levels - 0.5 + _GRADED * rng.standard_normal(levels.shape)
    shifts *= effect * rng.choice([-1.0, 1.0], n_probes)
    share = rng.beta(*_SHARE, n_probes) ** (1 / (1 + _SHARE_OF_EFFECT * effect))
    strengths = (np.arange(_FACTORS) + 1.0) ** -_FALL
    loadings = rng.standard_normal((_FACTORS, n_probes)) * strengths[:, None]
    loadings *= np.sqrt(np.minimum(share, 0.9)) / np.sqrt((loadings**2).sum(axis=0))
    others = (shifts.sum(axis=0) - shifts) / max(len(sizes) - 1, 1)
    apart = np.abs(shifts - others) > 1
    population = Population(
        tuple(sizes),
        _probe_ids(n_probes),
        np.clip(base + shifts * deviations, *_RANGE),
        deviations,
        np.vstack([loadings, _MIXING * shifts]),
        np.sqrt(1 - np.minimum(share, 0.9)),
        0.05,
        {label: np.flatnonzero(apart[row]) for row, label in enumerate(sizes)},
    )
    return Simulation(population.draw(sizes, seed, name), population)


def null_cohort(
    class_sizes: Mapping[str, int] | None = None,
    n_probes: int = 2000,
    *,
    seed: int = 0,
    correlation: float = 0.35,
    name: str = "null cohort",
) -> Cohort:
    """Simulate a cohort whose labels are independent of expression.

    class_sizes : samples of each class; by default 60 in the proportions of GSE9476
    """
    sizes = _NULL_CLASSES if class_sizes is None else class_sizes
    simulation = simulate(
        sizes, n_probes, markers_per_class=0, composition=0.0, correlation=correlation, seed=seed, name=name
    )
    return simulation.cohort


def default() -> Cohort:
    """Return a simulated stand-in for GSE9476: 64 samples × 22,283 probes; see `realistic`."""
    return realistic(name="simulated cohort shaped like GSE9476").cohort


def _probe_ids(n_probes: int) -> StrArray:
    # Invented ids in the style of HG-U133A, control probes last.
    controls = min(N_CONTROLS, n_probes // 100)
    ids = [f"{200001 + i}_at" for i in range(n_probes - controls)]
    return np.array(ids + [f"AFFX-sim{i + 1}_at" for i in range(controls)])
