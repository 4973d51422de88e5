"""Direct SQL against rows that may change: the database itself lets them go forward only."""

from collections.abc import Iterator

import pytest

from tests.db.attacks import Refused, Shell, shell
from tests.db.test_attacks import refused

BACK = [
    ("payments", "version = 1"),
    ("payments", "stage = 2, state = 'processing', captured_minor = 0, refunded_minor = 0"),
    ("payments", "stage = 0, state = 'pending', captured_minor = 0, refunded_minor = 0"),
    ("payments", "provider_payment_id = 'pi_other'"),
    ("payments", "provider_payment_id = NULL"),
    ("payments", "provider_payment_id = ''"),
    ("operations", "sent_at = NULL, step = '', step_sent_at = NULL, attempt = attempt + 1"),
    ("operations", "state = 'recorded', sent_at = NULL, attempt = attempt + 1"),
    ("operations", "state = 'recorded'"),
    ("operations", "sent_at = sent_at + 1"),
    ("operations", "attempt = attempt - 1"),
]
FORWARD = [
    ("payments", "version = version + 1"),
    ("payments", "next_check_at = 1"),
    ("operations", "attempt = attempt + 1, step = '', step_sent_at = NULL"),
    ("operations", "state = 'unknown'"),
]


@pytest.fixture
def books(seeded_url: str) -> Iterator[Shell]:
    """Books with payments that were sent, one of them captured, and a request for approval."""
    with shell(seeded_url) as opened:
        opened.run("UPDATE operations SET attempt = 2")
        opened.run(
            "INSERT INTO approvals VALUES ('apr_1', 'refund', 'pay_1', '{}', ?, 1, 'k', 'tess', 0,"
            " '', '', 'pending', '', NULL, '', '')",
            "a" * 64,
        )
        yield opened


@pytest.mark.parametrize(("table", "change"), BACK)
def test_nothing_goes_back(books: Shell, table: str, change: str) -> None:
    """Proves that what was seen or sent cannot be made unseen or unsent."""
    where = "order_reference = 'o1'" if table == "payments" else "sent_at IS NOT NULL"
    assert books.one(f"SELECT count(*) FROM {table} WHERE {where}")
    refused(books, f"UPDATE {table} SET {change} WHERE {where}")


@pytest.mark.parametrize(("table", "change"), FORWARD)
def test_the_same_rows_go_on(books: Shell, table: str, change: str) -> None:
    """Proves that what the program writes of them is let through."""
    books.run(f"UPDATE {table} SET {change}")


def test_an_object_is_learned_once(books: Shell) -> None:
    """Proves that a payment without an object of the provider's may be given one."""
    books.copy("payments", payment_id="p", order_reference=None, provider_payment_id=None)
    books.run("UPDATE payments SET provider_payment_id = 'pi_new' WHERE payment_id = 'p'")
    refused(books, "UPDATE payments SET provider_payment_id = 'pi_x' WHERE payment_id = 'p'")


@pytest.mark.parametrize("word", ["approved", "rejected", "stale"])
def test_a_decision_is_made_once(books: Shell, word: str) -> None:
    """Proves that no request is decided again, by another one, or made undecided."""
    decided = "decided_by = 'anna', decided_at = 1, decision = 'yes', operation_id = 'op_1'"
    books.run(f"UPDATE approvals SET state = '{word}', {decided}")
    for again in (
        "state = 'pending', decided_by = '', decided_at = NULL, decision = '', operation_id = ''",
        "state = 'approved', decided_by = 'vera'",
        "operation_id = 'op_2'",
        "decision = 'no'",
    ):
        refused(books, f"UPDATE approvals SET {again}")


def test_an_entry_that_is_sealed_takes_no_posting(books: Shell) -> None:
    """Proves that nothing is added to an entry once another record stands behind its own, whatever
    table somebody puts before the audit trail."""
    entry = books.one(
        "SELECT min(e.entry_id) FROM entries AS e JOIN audit AS a ON a.audit_id = e.audit_id"
        " JOIN audit AS f ON f.chain = a.chain AND f.seq = a.seq + 1"
    )
    posting = "INSERT INTO postings VALUES (?, 99, 'bank', 'fees', 1, 'USD')"
    refused(books, posting, entry)
    books.run("CREATE TEMPORARY TABLE audit AS SELECT * FROM audit WHERE seq < 0")
    with pytest.raises(Refused):
        books.run(posting, entry)
