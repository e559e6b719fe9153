"""Numbers, counts and lists as text, the same in every output."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Bounds = tuple[float, float]
SHARE: Bounds = (0.0, 1.0)
_ROUNDING = 1e-9
# Control characters and marks of direction steer a terminal; lone surrogates and U+FFFE cannot be encoded or drawn.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    r"""The text with escapes such as `\x1b` for all characters that can steer a terminal."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def cut(text: str, longest: int) -> str:
    """At most `longest` characters: the middle of a longer text is left out, so that its remedy at the end stays."""
    if len(text) <= longest:
        return text
    end = longest // 2
    return f"{text[: longest - end - 5]} ... {text[-end:]}"


def number(value: float, bounds: Bounds = SHARE) -> str:
    """Two decimals; a value near a bound is not rounded to the bound: 0.998 is `>0.99`."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.2f}"
    low, high = bounds
    if value < high - _ROUNDING and float(text) >= high:
        return f">{high - 0.01:.2f}"
    if value > low + _ROUNDING and float(text) <= low:
        return f"<{low + 0.01:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def interval(low: float, high: float, bounds: Bounds = SHARE) -> str:
    """`[0.88, 0.99]`; empty if there is no interval."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{number(low, bounds)}, {number(high, bounds)}]"


def estimate(value: float, low: float, high: float, bounds: Bounds = SHARE) -> str:
    """`0.95 [0.88, 0.99]`; the value alone if there is no interval."""
    return f"{number(value, bounds)} {interval(low, high, bounds)}".rstrip()


def count(value: float) -> str:
    """`1,219`; `7.5` for a mean over repeats."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    names = list(names)
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def shortlist(names: Sequence[str], most: int = 8) -> str:
    """`a, b and 3 more`: at most `most` names, and the number of the others."""
    if len(names) <= most:
        return listed(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def value(setting: object) -> str:
    """One value of a grid: `0.001`, `sqrt`, `none`."""
    if setting is None:
        return "none"
    return f"{setting:g}" if isinstance(setting, float) else str(setting)


def counted(n: int, noun: str) -> str:
    """`1 sample`, `2 classes`, `22,283 probes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def percent(share: float, digits: int = 0) -> str:
    """`87 %`."""
    return f"{100 * share:.{digits}f} %"


def percent_floor(share: float, digits: int = 0) -> str:
    """`94.7 %`, rounded down: 18 of 19 is not 95 %, and 99.9 % is not 100 %."""
    unit = 10.0**digits
    return f"{math.floor(100 * unit * share + 1e-9) / unit:g} %"


def p_value(p: float) -> str:
    """`0.043`; `<0.001` for smaller values, `1` for those near 1."""
    if math.isnan(p):
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.2g}" if p < 0.995 else "1"


def duration(seconds: float) -> str:
    """An approximate time: `about 40 seconds`."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return f"about {round(seconds / length)} {unit}s"
    return f"about {max(round(seconds, -1), 10):.0f} seconds"


def halving(row: Mapping[Any, Any], reach: float) -> str:
    """The training samples that halve an error, with their range over resamples.

    row   : of `LearningCurve.halving`
    reach : training samples beyond which an extrapolation is not read
    """
    needed, reached = row["n_needed"], row["share_reached"]
    if math.isnan(needed):
        return "no error to halve"
    most = f"more than {samples(reach)}"
    if needed > reach:
        share = "no resample" if reached == 0 else f"{percent(reached)} of the resamples"
        return f"{most} ({share} within {samples(reach)})"
    ends = [samples(row[end]) if row[end] <= reach else most for end in ("n_low", "n_high")]
    return f"about {samples(needed)} (range {' to '.join(dict.fromkeys(ends))})"


def samples(n: float) -> str:
    """A number of samples with two digits."""
    return f"{float(f'{n:.2g}'):,.0f}"
