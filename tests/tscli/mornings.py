"""A firm whose mornings run by themselves: its shop, its settings, its folder of files, its clock.

The command line and the shop see the same books, the same pretend world and the same set clock.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from domain.clock import SetClock, SystemClock
from domain.payment import PaymentState
from domain.settlement import LineKind
from providers.sandbox.exports import export
from reports.document import Amount, Document
from tests.conftest import Cli, Ran, run_cli
from tests.tscli.shop import Shop, open_shop
from tests.tscli.worlds import world_file
from tscli.services import documents

COLUMNS = (
    "balance_transaction_id", "created_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "description", "charge_id", "automatic_payout_id",
    "payment_metadata[payment_id]",
)  # fmt: skip
ACTIVITY = "balance_change_from_activity.itemized"


@dataclass
class Firm:
    """One firm, before its first morning."""

    cli: Cli
    shop: Shop
    clock: SetClock
    home: Path
    settings: dict[str, Any] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        """Where files are put."""
        return self.home / "in"

    def configure(self, **settings: Any) -> None:
        """Write the settings; Stripe alone, unless told otherwise."""
        folder = Path(os.environ["XDG_CONFIG_HOME"]) / "tscli"
        folder.mkdir(parents=True, exist_ok=True)
        self.inbox.mkdir(exist_ok=True)
        self.settings |= settings
        places: dict[str, Any] = {"providers": ["stripe"], "report_formats": ["json"]}
        places["report_folder"] = str(self.home / "days")
        blocks = ["[day]", *_lines(places | self.settings)]
        for name, tables in (("sources", self.sources), ("notify", self.rules)):
            for table in tables:
                blocks += [f"[[day.{name}]]", *_lines(table)]
        (folder / "config.toml").write_text("\n".join(blocks) + "\n")

    def at(self, on: date, hour: int = 6, minute: int = 0) -> None:
        """Set the clock."""
        self.clock.at = datetime(on.year, on.month, on.day, hour, minute, tzinfo=UTC)

    def sell(self, on: date, count: int = 2) -> None:
        """Sales of a day, all paid, each of an amount of its own."""
        self.at(on, 8)
        for number in range(count):
            self.clock.advance(timedelta(minutes=20))
            amount = f"{20 + on.day}.{10 + number}"
            self.shop.create(amount, key=f"{on}-{number}", order_reference=f"{on}-{number}")

    def settle(self, on: date) -> None:
        """The provider's evening: what is due happens, and payouts leave."""
        self.at(on, 22)
        self.shop.world.tick()
        self.shop.world.make_payouts()

    def dispute(self, on: date) -> None:
        """A customer's bank takes a charge back, and our webhook of it is lost."""
        self.at(on, 20)
        payment = next(
            p for p in self.shop.payments()
            if p.state is PaymentState.SUCCEEDED and not p.disputed_minor
        )  # fmt: skip
        charge = next(m.reference for m in payment.movements if m.kind is LineKind.CHARGE)
        self.shop.world.dispute(charge)

    def exported(self, on: date) -> list[str]:
        """The lines of the provider's file of a day, its header first."""
        start = datetime(on.year, on.month, on.day, tzinfo=UTC)
        text = export(self.shop.world, ACTIVITY, start, start + timedelta(days=1), COLUMNS)
        return text.splitlines(keepends=True)

    def put(self, on: date, lines: Iterable[str] | None = None) -> Path:
        """Put the provider's file of a day into the folder, whole unless lines are given."""
        path = self.inbox / f"activity-{on}.csv"
        path.write_text("".join(self.exported(on) if lines is None else lines))
        return path

    def run(self, *words: str) -> Ran:
        """`day run`, as JSON."""
        return self.cli("day", "run", *words, "--format", "json")

    def steps(self, ran: Ran) -> dict[str, str]:
        """Step and subject -> state, or reason where there is one, of the only date."""
        (day,) = ran.data["days"]
        return {
            f"{one['step']} {one['subject']}".strip(): one["reason"] or one["state"]
            for one in day["steps"]
        }

    def check(self, *words: str) -> tuple[int, str]:
        """`runs check`: exit code and outcome."""
        ran = self.cli("runs", "check", *words, "--format", "json")
        return ran.exit_code, ran.data["outcome"]

    def documents(self, on: date) -> dict[str, bytes]:
        """Every file of a day's folder."""
        folder = self.home / "days" / on.isoformat()
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _lines(values: dict[str, Any]) -> list[str]:
    """TOML of plain values; JSON writes strings, numbers, truth values and lists alike."""
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]


def open_firm(
    database: Database, clock: SetClock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    """A firm whose commands and shop share books, world and clock."""
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.at)
    shop = open_shop(database, clock, monkeypatch)
    shop.world.close()
    world_file().parent.mkdir(parents=True, exist_ok=True)
    shop = Shop(database, clock, world_path=str(world_file()), account="sandbox")
    firm = Firm(run_cli, shop, clock, home)
    firm.configure()
    return firm


def folder_source(firm: Firm, **more: Any) -> dict[str, Any]:
    """The settings of Stripe's folder."""
    given = {"provider": "stripe", "folder": str(firm.inbox), "patterns": ["activity-{date}.csv"]}
    return given | {"expected_by": "05:30:00"} | more


def lose_an_answer(firm: Firm, on: date) -> None:
    """A payment whose outcome nobody here knows, and which really happened."""
    from domain.errors import PaymentsError
    from providers.sandbox.faults import Fault

    firm.at(on, 19)
    firm.shop.fail([Fault.NONE, *[Fault.TIMEOUT_AFTER, Fault.TIMEOUT_BEFORE] * 5])
    with pytest.raises(PaymentsError):
        asyncio.run(firm.shop.creating("77.00", "lost", order_reference="lost"))
    firm.shop.fail([])


def totals(document: Document) -> dict[tuple[str, str], list[int]]:
    """(account, currency) -> count and minor units of every column, of a report's money table."""
    (table,) = [one for one in document.tables if one.key == "totals"]
    return {
        (str(account), str(currency)): [
            cell.minor if isinstance(cell, Amount) else int(str(cell)) for cell in cells
        ]
        for account, currency, *cells in table.rows
    }


def prove_sums(firm: Firm, days: Sequence[date]) -> int:
    """The monthly report's money is the sum of the daily ones'; how many transactions it holds."""
    context = firm.shop.context
    summed: dict[tuple[str, str], list[int]] = {}
    for on in days:
        for key, figures in totals(documents.daily(context, on, "test", "UTC")).items():
            known = summed.setdefault(key, [0] * len(figures))
            summed[key] = [a + b for a, b in zip(known, figures, strict=True)]
    assert totals(documents.monthly(context, days[0].replace(day=1), "test", "UTC")) == summed
    return sum(figures[0] for figures in summed.values())
