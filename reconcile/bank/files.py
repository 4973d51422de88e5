"""Whole bank files: which format one is, and what is read of it."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.bank import BankLine, BankStatement, CsvMapping
from domain.errors import InvalidRequest, UnreadableExport
from domain.settlement import ControlTotal, InputFile, Reject, StatedBalance, StatedTotal
from reconcile.bank.bai2_file import read_bai2
from reconcile.bank.camt import read_camt
from reconcile.bank.csv_file import read_csv
from reconcile.bank.ofx import read_ofx
from reconcile.bank.swift import read_mt940
from reconcile.intake.containers import unpacked

SIZE_MAX = 256 << 20
"""Bytes of a statement; larger is none."""
_HEAD = 1 << 16
_CAMT = re.compile(rb"camt\.05([234])\.001")


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file that was read."""

    file: InputFile
    statements: tuple[BankStatement, ...]

    @property
    def lines(self) -> Iterator[BankLine]:
        """All lines, in the order of the file."""
        return (line for statement in self.statements for line in statement.lines)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Everything that could not be read."""
        return tuple(reject for statement in self.statements for reject in statement.rejects)


def sniff(path: Path) -> str:
    """The format of a bank file by its first bytes, empty when it is none that can be told.

    Raises:
        UnreadableExport: it cannot be opened, or its wrapping is refused.
    """
    with unpacked(path).path.open("rb") as stream:
        head = stream.read(_HEAD)
    if found := _CAMT.search(head):
        return f"bank.camt05{found[1].decode()}"
    if re.search(rb"<BkToCstmr(Stmt|AcctRpt|DbtCdtNtfctn)", head):
        return "bank.camt053"
    if re.search(rb"^:20:", head, re.MULTILINE) and re.search(rb"^:25:", head, re.MULTILINE):
        return "bank.mt940"
    if re.match(rb"\s*01,[^\r\n]*/", head):
        return "bank.bai2"
    if b"OFXHEADER" in head.upper() or b"<OFX>" in head.upper():
        return "bank.ofx"
    return ""


def read_bank(path: Path, mapping: CsvMapping | None = None) -> BankFile:
    """Read a statement file; `mapping` is for a bank's own CSV.

    Raises:
        UnreadableExport: the file as a whole cannot be read; bad entries are rejects instead.
        InvalidRequest: it is no statement that can be told, and no mapping says how to read it.
        ConfigurationError: a package that the format needs is not installed.
    """
    origin = unpacked(path)
    form = "bank.csv" if mapping else sniff(path)
    if origin.path.stat().st_size > SIZE_MAX:
        raise UnreadableExport("the file is larger than any statement", file=origin.name)
    data = origin.path.read_bytes()
    if not data.strip():
        raise UnreadableExport("the file is empty", file=origin.name, line=1)
    statements = tuple(_reader(form, data, origin.name, mapping)())
    digest = origin.digest or hashlib.sha256(data).hexdigest()
    return BankFile(_input_file(origin.name, digest, origin.size, form, statements), statements)


def _reader(
    form: str, data: bytes, name: str, mapping: CsvMapping | None
) -> Callable[[], Iterable[BankStatement]]:
    if mapping is not None:
        return lambda: read_csv(_decoded(data, mapping.encoding, name), name, mapping)
    if form.startswith("bank.camt"):
        return lambda: read_camt(data, name)
    if form == "bank.ofx":
        return lambda: read_ofx(data, name)
    if form == "bank.mt940":
        return lambda: read_mt940(_text(data), name)
    if form == "bank.bai2":
        return lambda: read_bai2(_text(data).replace("\r\n", "\n"), name)
    raise InvalidRequest(
        f"{name} is no bank statement of a known format.",
        hint="Known are CAMT.052-054, MT940, BAI2, OFX; for a bank's own CSV name a mapping:"
        " --bank NAME.",
    )


def _text(data: bytes) -> str:
    """UTF-8, else Latin-1, in which such files were written before."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode("utf-8-sig" if encoding.lower() == "utf-8" else encoding)
    except (UnicodeDecodeError, LookupError):
        raise UnreadableExport(f"the file is no {encoding} text", file=name) from None


def _input_file(
    name: str, digest: str, size: int, form: str, statements: tuple[BankStatement, ...]
) -> InputFile:
    lines = [line for statement in statements for line in statement.lines]
    rejects = sum(len(statement.rejects) for statement in statements)
    days = sorted(line.booked_on.isoformat() for line in lines)
    accounts = sorted({statement.account for statement in statements if statement.account})
    return InputFile(
        name=name,
        digest=digest,
        size=size,
        format=form,
        rows=len(lines) + rejects,
        unreadable=rejects,
        totals=tuple(_totals(lines)),
        period=(f"{days[0]}T00:00:00Z", f"{days[-1]}T00:00:00Z") if days else None,
        stated=tuple(check for statement in statements for check in statement.checks),
        balances=tuple(balance for one in statements for balance in _balances(one)),
        owner=", ".join(accounts),
    )


def _totals(lines: list[BankLine]) -> Iterator[ControlTotal]:
    for currency in sorted({line.currency for line in lines}):
        own = [line.amount_minor for line in lines if line.currency == currency]
        yield ControlTotal(currency, len(own), sum(own), 0)


def _balances(statement: BankStatement) -> Iterator[StatedBalance]:
    for name, value, on in (
        ("opening", statement.opening_minor, statement.opening_on),
        ("closing", statement.closing_minor, statement.closing_on),
    ):
        if value is not None and on is not None:
            yield StatedBalance(statement.currency, f"{on.isoformat()}T00:00:00Z", value, name)


__all__ = ["SIZE_MAX", "BankFile", "StatedTotal", "read_bank", "sniff"]
