"""Notices: what is told to people of a day's run, and what became of the telling."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One message."""

    title: str
    body: str
    severity: str
    """`info`, `warning` or `critical`."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message to one rule's addresses; an address is a secret and is not named."""

    rule: str
    ok: bool
    detail: str
    """Such as `2 of 2 accepted it`, or which service refused it with which status."""
