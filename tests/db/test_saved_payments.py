"""What is said of a payment after it was saved is what the next one reads."""

import pytest

from db.database import Database
from db.payments import Payments
from domain.clock import SetClock
from domain.payment import Payment
from tests.tscli.shop import Shop


def test_what_is_saved_is_what_is_read(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves it for every change of payments that are captured in parts, refunded, cancelled and
    declined: movements in their order, amounts and versions."""
    save, seen = Payments.save, list[Payment]()

    def checked(self: Payments, before: Payment, after: Payment) -> Payment:
        saved = save(self, before, after)
        assert saved == self.get(saved.payment_id)
        seen.append(saved)
        return saved

    monkeypatch.setattr(Payments, "save", checked)
    shop = Shop(database, clock)
    held = shop.create(capture=False).payment.payment_id
    shop.capture(held, "70.00")
    for number in range(3):
        shop.refund(held, f"{number + 1}.00", key=f"r{number}")
    shop.cancel(shop.create(capture=False).payment.payment_id)
    shop.create(method="pm_card_chargeDeclined")
    assert {len(payment.movements) for payment in seen} >= {0, 1, 2, 3, 4}
    assert len({payment.state for payment in seen}) >= 5
