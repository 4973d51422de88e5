"""What a day's run works with, and the steps it consists of: one row each, in their order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from domain.bridge import Bridge
from domain.day import StepState
from domain.errors import PaymentsError
from domain.payout import PayoutProof
from domain.provider import ProviderAccount
from domain.run import Period
from domain.settlement import ExportFormat
from tscli.day_settings import DaySection, SourceSection
from tscli.services.evaluation import scope_of
from tscli.services.intake import Mappings
from tscli.services.periods import period_of

BANK = "bank"
"""The provider of a source that is none: statements of the company's own account."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Morning:
    """The settings of a day's run, and the doors that the application opens for it."""

    section: DaySection
    mode: str
    owners: tuple[ProviderAccount, ...]
    folder: Path
    """Where a folder per day is made."""
    formats: Sequence[ExportFormat]
    owner_of: Callable[[str], ProviderAccount]
    mappings: Mappings
    write: Callable[[Path, bytes], Path]
    """Writes a file whole or not at all."""
    exit_of: Callable[[PaymentsError], int]
    progress: Callable[[str], AbstractContextManager[Progress]]
    tell: Callable[[str], None]
    """Says a line to whoever watches."""
    bridge_data: Callable[[Bridge], Mapping[str, Any]]
    payout_data: Callable[[PayoutProof], Mapping[str, Any]]

    @property
    def environment(self) -> str:
        """Which of several installations this is."""
        return self.section.environment or self.mode

    def period(self, on: date) -> Period:
        """The instants that a business date's run covers."""
        days = self.section.calendar.covered(on)
        return period_of(days[0], date.fromordinal(on.toordinal() + 1), self.section.timezone)

    def sources(self, subject: str) -> list[SourceSection]:
        """The folders of a `fetch` step; none means the provider itself."""
        return [one for one in self.section.sources if one.subject == subject]

    def owner(self, subject: str) -> ProviderAccount:
        """The account of a step that is about one."""
        return next(one for one in self.owners if scope_of(one) == subject)

    def feeds(self, owner: ProviderAccount) -> list[str]:
        """Subjects of the `fetch` steps that an account's comparison needs."""
        mine = [s.subject for s in self.section.sources if s.provider == owner.provider]
        return list(dict.fromkeys(mine)) or [scope_of(owner)]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one step."""

    state: StepState = StepState.DONE
    note: str = ""
    facts: Mapping[str, int | str] = field(default_factory=dict)
    exit_code: int = 0
    reason: str = ""


Name = tuple[str, str]
"""A step and its subject."""


def plan(morning: Morning) -> list[Name]:
    """The steps of a day in their order, without those that tell people of it."""
    scopes = [scope_of(owner) for owner in morning.owners]
    feeds = [name for owner in morning.owners for name in morning.feeds(owner)]
    banks = [one.subject for one in morning.section.sources if one.provider == BANK]
    return [
        *(("webhooks", scope) for scope in scopes),
        *(("recover", scope) for scope in scopes),
        *(("fetch", name) for name in dict.fromkeys([*feeds, *banks])),
        *(("reconcile", scope) for scope in scopes),
        ("reports", ""),
    ]


def after(morning: Morning, name: Name, steps: Iterable[Name]) -> list[Name]:
    """The steps that have to be done again when this one has brought something new."""
    step, subject = name
    if step == "reports":
        return []
    touched = {"reports"} if step == "reconcile" else {"reports", "reconcile"}
    again = []
    for other, about in steps:
        if other not in touched:
            continue
        owners = morning.owners if other == "reconcile" else ()
        fed = [o for o in owners if scope_of(o) == about and subject in morning.feeds(o)]
        everybody = other == "reports" or subject.partition("/")[0] == BANK
        if everybody or about == subject or fed:
            again.append((other, about))
    return again
