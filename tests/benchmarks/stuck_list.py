"""How long a sweep takes to list and lease very many stuck payments, beside one SELECT of them."""

import time
from datetime import timedelta

from sqlalchemy import text

from tests.benchmarks.loads.shops import AMOUNT, close, shop_at
from tscli.services.leasing import lease, new_holder
from tscli.services.stuck import stuck_payments

_CHANGED = {
    "payment_id": "'pay_stuck' || n", "order_reference": "NULL", "state": "'processing'",
    "provider_payment_id": "NULL", "next_check_at": "1", "stage": "1", "captured_minor": "0",
}  # fmt: skip


def stick(url: str, count: int) -> None:
    """So many copies of a payment whose outcome is not known, due now, by plain SQL."""
    shop = shop_at(url)
    made = shop.create(AMOUNT, order_reference="stuck").payment.payment_id
    numbers = (
        f"SELECT n FROM generate_series(1, {count}) AS g (n)"
        if url.startswith("postgresql")
        else f"WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count})"
        " SELECT n FROM g"
    )
    with shop.database.transaction() as books:
        connection = books.payments._connection
        row = connection.execute(text("SELECT * FROM payments WHERE payment_id = :p"), {"p": made})
        names = list(row.keys())
        columns = ", ".join(_CHANGED.get(name, name) for name in names)
        connection.execute(
            text(
                f"INSERT INTO payments ({', '.join(names)})"
                f" SELECT {columns} FROM payments, ({numbers}) AS numbers WHERE payment_id = :p"
            ),
            {"p": made},
        )
    close(shop)


def list_and_lease(url: str) -> tuple[int, float, float]:
    """How many were due, seconds to list and lease them all, and of one plain SELECT of them."""
    shop = shop_at(url)
    with shop.database.read() as books:
        started = time.perf_counter()
        query = text("SELECT * FROM payments WHERE next_check_at IS NOT NULL")
        books.payments._connection.execute(query).all()
        bare = time.perf_counter() - started
    started = time.perf_counter()
    now = shop.clock.now()
    with shop.database.read() as books:
        due = stuck_payments(books, now, older_than=timedelta())
    holder = new_holder("benchmark")
    with shop.database.transaction() as books:
        names = [f"recover:{stuck.payment_id}" for stuck in due]
        held = lease(books, names, holder, now, now + timedelta(minutes=5))
    seconds = time.perf_counter() - started
    assert len(held) == len(due)
    close(shop)
    return len(due), seconds, bare
