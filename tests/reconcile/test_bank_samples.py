"""Real bank files, where they lie beside the project, against their own figures and other parsers.

Some of them contradict themselves: their authors changed amounts and left the balances.
"""

import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.bank import BankFile, identities
from domain.money import format_minor
from reconcile.bank.reading import read_bank
from tests.conftest import shared
from tests.reconcile.bank_texts import wrong

FILES: dict[str, tuple[str, list[int], int, list[tuple[str, int]]]] = {
    # name: (format, amounts, rejects, what contradicts itself and by how much)
    "oca_test-camt053.xml": (
        "camt053", [-75425, -56405, -10000, 140531], 0, [("closing balance", -43416)],
    ),
    "bsp_camt053_duplicate_same_day.xml": ("camt053", [-450, -450], 0, []),
    "mt940_jejik_ing.sta": (
        "mt940", [-2503, -303, -111, -2000, -110, 368, 100], 0, [("closing balance", 4906)],
    ),
    "mt940_cmxl_mt940.sta": (
        "mt940", [-80000, 300000, 2000000, -1000000, 4000], 13, [],
    ),
    "bai2_citi_example.bai2": ("bai2", [1], 0, [("closing balance", -1)]),
    "ofxtools_stmtrs.ofx": ("ofx", [-20000, -30000], 0, []),
}  # fmt: skip


def sample(name: str) -> Path:
    """One sample file."""
    return shared("samples", "bank", name)


def amounts(found: BankFile) -> list[Decimal]:
    """Major units, as other parsers have them."""
    return [Decimal(format_minor(n.amount_minor, n.currency)) for n in found.lines]


@pytest.mark.parametrize(("name", "facts"), FILES.items(), ids=FILES)
def test_a_real_file_is_read_and_tied(
    name: str, facts: tuple[str, list[int], int, list[tuple[str, int]]]
) -> None:
    """Every line, every reject, and the difference named where the file contradicts itself."""
    form, lines, rejects, contradicted = facts
    found = read_bank(sample(name))

    assert found.file.format == f"bank.{form}"
    assert [line.amount_minor for line in found.lines] == lines
    assert len(found.rejects) == rejects
    told = [(t.name, t.difference) for t in found.file.stated if t.difference]
    assert told == contradicted
    assert len(set(identities(found.statements))) == len(lines)


def test_every_sample_that_is_there_is_known() -> None:
    """A new sample is read by a test or by none: this one says so."""
    folder = shared("samples", "bank")
    assert {path.name for path in folder.iterdir()} <= set(FILES)


def test_a_withdrawn_currency_costs_its_statement_only() -> None:
    """Marks are no currency we count in: those lines are refused, the other statements tie."""
    found = read_bank(sample("mt940_cmxl_mt940.sta"))
    assert {reject.line for reject in found.rejects} <= set(range(1, 28))
    assert found.rejects[0].reason == "unknown currency 'DEM'"
    assert wrong(found) == []


@pytest.mark.parametrize("name", ["mt940_jejik_ing.sta"])
def test_mt_940_reads_the_same_amounts(name: str) -> None:
    """A second opinion, by a parser that many use."""
    import mt940

    told = mt940.parse(str(sample(name)))
    found = read_bank(sample(name))
    assert amounts(found) == [line.data["amount"].amount for line in told]
    assert [n.valued_on for n in found.lines] == [line.data["date"] for line in told]


def test_bai2_reads_the_same_amounts() -> None:
    """A second opinion, of the bai2 package."""
    from bai2 import bai2

    found = read_bank(sample("bai2_citi_example.bai2"))
    told: Any = bai2.parse_from_string(sample("bai2_citi_example.bai2").read_text())
    (account,) = told.children[0].children
    assert [n.amount_minor for n in found.lines] == [t.amount for t in account.children]
    assert found.lines[0].reference == account.children[0].bank_reference


def test_ofxparse_reads_the_same_amounts() -> None:
    """A second opinion, of ofxparse."""
    import ofxparse

    found = read_bank(sample("ofxtools_stmtrs.ofx"))
    with sample("ofxtools_stmtrs.ofx").open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told: Any = ofxparse.OfxParser.parse(stream)
    lines = told.account.statement.transactions
    assert amounts(found) == [t.amount for t in lines]
    assert [n.reference for n in found.lines] == [t.id for t in lines]
    assert [n.booked_on for n in found.lines] == [t.date.date() for t in lines]
