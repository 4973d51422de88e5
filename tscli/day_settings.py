"""The `[day]` table of the settings: the morning that runs itself, where its files come from, who
hears of it."""

import re
from datetime import date, time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from domain.business_days import WEEKDAYS, BusinessDays
from domain.day import OUTCOMES

_FORBID = ConfigDict(extra="forbid", frozen=True)
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DATES = ("{date}", "{yyyymmdd}")


class SourceSection(BaseModel):
    """A folder into which a provider's exports, or a bank's statements, are put every day."""

    model_config = _FORBID

    provider: str
    """`stripe`, `paypal`, or `bank`."""
    folder: str
    """Absolute path; it is only read."""
    patterns: tuple[str, ...] = Field(min_length=1)
    """File names with `*` and the file's date as `{date}` (2026-03-04) or `{yyyymmdd}`; each has to
    be there."""
    name: str = Field(default="", max_length=64)
    """Tells several banks apart."""
    expected_by: time = time(9, 0)
    """When the files of a date are there on the day after, in the zone of `day`."""
    every: Literal["day", "business_day"] = "business_day"
    """Whether there is a file of each calendar day, or one of each business date."""
    required: bool = True
    """Whether a file that does not come leaves the day open."""
    bytes_min: int = Field(default=1, ge=0)
    """A smaller file is not whole."""
    ends_with: str = ""
    """What a whole file ends with, such as `SF` or a line break; not asked when empty."""
    format: str = ""
    """The format, where headers do not tell."""
    bank: str = ""
    """For a bank's own CSV: its mapping `[bank.NAME]`."""
    dates: Literal["", "DMY", "MDY"] = ""
    """Where no date in a file tells which of both it is."""
    timezone: str = ""
    """Zone of timestamps that name none; the zone of `day` when empty."""

    @field_validator("patterns")
    @classmethod
    def _dated(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not any(word in pattern for word in _DATES) or "/" in pattern:
                raise ValueError("a pattern is a file name that holds {date} or {yyyymmdd}")
        return patterns

    @field_validator("folder")
    @classmethod
    def _absolute(cls, folder: str) -> str:
        if not folder.startswith("/"):
            raise ValueError("a folder needs an absolute path")
        return folder

    @property
    def subject(self) -> str:
        """How the source is called in a day's steps."""
        return f"{self.provider}/{self.name}" if self.name else self.provider


class RuleSection(BaseModel):
    """Who hears of what."""

    model_config = _FORBID

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    urls: tuple[SecretStr, ...] = Field(min_length=1)
    """Addresses as Apprise writes them: `mailtos://…`, `slack://…`, `msteams://…`, `jsons://…`."""
    events: frozenset[Literal["done", "findings", "unknown", "open", "failed"]] = frozenset(
        {"findings", "unknown", "open", "failed"}
    )
    """Outcomes of a day that are told."""
    severity: Literal["info", "warning", "critical"] = "info"
    """The least severe that is told: `done` is info, `failed` and `unknown` are critical."""


class DaySection(BaseModel):
    """The morning that runs itself."""

    model_config = _FORBID

    environment: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,40}$")
    """Which of several installations this is, such as `production`; `live` or `test` when empty."""
    timezone: str = "UTC"
    """Zone of the business dates."""
    begins_at: time = time(5, 0)
    """When on the day after it a date is run unasked; before, it waits."""
    due_by: time = time(9, 0)
    """When a date's run should be done on the day after it; `tscli runs check` goes by it."""
    business_days: tuple[Weekday, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), min_length=1
    )
    """Weekdays that are business dates; the others are covered by the next one."""
    holidays: tuple[date, ...] = ()
    """Dates that are none although their weekday is one."""
    providers: tuple[str, ...] = ()
    """Whose accounts are reconciled; those with keys when empty, and the sandbox's without any."""
    catch_up_days: int = Field(default=31, ge=1, le=366)
    """How far back `--catch-up` goes."""
    webhook_hours: int = Field(default=72, ge=1, le=24 * 30)
    """How far back missed events are asked for."""
    report_folder: str = ""
    """Where a folder per day is made; in the state folder when empty."""
    report_formats: tuple[Literal["html", "pdf", "xlsx", "csv", "json", "md"], ...] = (
        "html", "csv", "json",
    )  # fmt: skip
    """Formats of the day's reports."""
    locale: str = "en"
    """How amounts and dates are written for people, such as `de` or `en_GB`."""
    heartbeat_file: str = ""
    """File that is written at the end of every run, for a monitor."""
    heartbeat_url: SecretStr = SecretStr("")
    """Address that is told the same; https, or on this machine."""
    sources: tuple[SourceSection, ...] = ()
    """Folders with files; what no folder is named for is fetched from the provider."""
    notify: tuple[RuleSection, ...] = ()
    """Who hears of what."""

    @field_validator("report_folder", "heartbeat_file")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if path and not re.match(r"/[^/]", path):
            raise ValueError("it needs an absolute path")
        return path

    @property
    def calendar(self) -> BusinessDays:
        """The business dates."""
        weekdays = frozenset(WEEKDAYS.index(word) for word in self.business_days)
        return BusinessDays(weekdays, frozenset(self.holidays))


SEVERITIES = {
    "done": "info", "findings": "warning", "open": "warning", "unknown": "critical",
    "failed": "critical", "running": "warning",
}  # fmt: skip
"""How severe each outcome of a day is."""
assert set(SEVERITIES) == set(OUTCOMES)
