"""What a reporting sheet is: items, each answered from the record, by the authors, or by both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from leukotype import __version__
from leukotype.results.sheets.facts import Facts, plain

AUTHORS = "To be filled by the authors"


@dataclass(frozen=True)
class Item:
    """One item of a guideline.

    number : as in the guideline
    asks   : what it asks for, in our words
    record : the answer that the record of the run gives; None where it can give none
    human  : what only the authors know; empty where the record says it all
    """

    number: str
    topic: str
    asks: str
    record: Callable[[Facts], str] | None = None
    human: str = ""


@dataclass(frozen=True)
class Sheet:
    """One guideline.

    name  : stem of the file
    parts : headings with their items
    """

    name: str
    title: str
    cite: str
    parts: tuple[tuple[str, tuple[Item, ...]], ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in order."""
        return tuple(item for _, items in self.parts for item in items)

    def markdown(self, facts: Facts) -> str:
        """Return the sheet of one run."""
        head = (
            f"# {self.title}: {plain(facts.evaluation.cohort.name)}\n\n"
            f"Filled by leukotype {__version__} from the record of one run. Items are put in our own words; the "
            f"wording that counts is in {self.cite}. What the run can't know is marked **{AUTHORS}**, and "
            "nothing there was guessed.\n"
        )
        parts = [
            f"\n## {name}\n" + "".join(_entry(item, facts) for item in items) for name, items in self.parts
        ]
        return head + "".join(parts)

    def __str__(self) -> str:
        return self.name


def _entry(item: Item, facts: Facts) -> str:
    answers = []
    if item.record is not None:
        answers.append(item.record(facts))
    if item.human:
        answers.append(f"**{AUTHORS}**: {item.human}")
    return f"\n### {item.number} {item.topic}\n\n*{item.asks}*\n\n" + "\n\n".join(answers) + "\n"
