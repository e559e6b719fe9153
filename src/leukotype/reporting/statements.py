"""Statements: what the report says, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One statement: what it is about, and its sentences."""

    title: str
    text: str
