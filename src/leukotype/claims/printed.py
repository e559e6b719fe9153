"""Published numbers, and the values from which they may have been rounded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from scipy import stats

from leukotype.arrays import BoolArray, FloatArray
from leukotype.errors import InputError

LEVEL = 0.95
Interval = tuple[float, float]
TOLERANCE = 1e-12
_MOST_DIGITS = 20


@dataclass(frozen=True)
class Printed:
    """A published number and the values from which it may have been rounded.

    low, high : both included, since some round halves up and others to even
    cut       : upper end if digits were truncated instead; the lower end is the number itself
    """

    text: str
    value: float
    low: float
    high: float
    cut: float

    def fits(self, values: FloatArray) -> BoolArray:
        """Tell which values give this number when rounded."""
        return (values >= self.low - TOLERANCE) & (values <= self.high + TOLERANCE)

    @property
    def widest(self) -> Interval:
        """The values from which the number may have been rounded or truncated."""
        return self.low, max(self.high, self.cut)

    def fits_cut(self, values: FloatArray) -> BoolArray:
        """Tell which values give this number when truncated."""
        return (values >= self.value - TOLERANCE) & (values < self.cut - TOLERANCE)


def read(value: str | float, name: str = "number") -> Printed:
    """Parse "0.96", "96%" or "96"; numbers above 1 are per cent, and 1 and 0 without decimals are exact.

    Raises InputError for a number that is not a share.
    """
    text = str(value).strip()
    digits = text.rstrip("%").strip().replace(",", ".")
    try:
        number = Decimal(digits)
    except InvalidOperation:
        number = Decimal(-1)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS or len(text) > 2 * _MOST_DIGITS:
        number, exponent = Decimal(-1), 0
    if number > 1 and not text.endswith("%"):
        text += "%"
    scale = Decimal(100) if text.endswith("%") else Decimal(1)
    if not 0 <= number <= scale:
        raise InputError(
            f"{name} {text[:40]!r} is not a share. Use a number from 0 to 1, such as 0.96, or 96%."
        )
    whole = exponent >= 0
    unit = Decimal(0) if scale == 1 and whole else Decimal(1).scaleb(0 if whole else exponent)
    low, high, cut = (number - unit / 2) / scale, (number + unit / 2) / scale, (number + unit) / scale
    return Printed(text, float(number / scale), max(float(low), 0.0), min(float(high), 1.0), float(cut))


def clopper_pearson(hits: float, n: float, level: float = LEVEL) -> Interval:
    """Exact binomial interval of a proportion; `hits` may be a mean over repeats.

    Conservative, and open at hits = n: 13 of 13 gives (0.753, 1).

    Clopper & Pearson (1934), Biometrika 26, 404-413.
    """
    tail = (1 - level) / 2
    low = 0.0 if hits <= 0 else float(stats.beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits >= n else float(stats.beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high
