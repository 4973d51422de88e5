"""A provider without guards of its own: it takes money twice and gives back more than it took.

A real provider hides many a fault of its client: a second confirmation of a paid object is refused,
and so is a refund too many. To see whether the harness would notice the fault itself, these two
defences are switched off in the world's truth; keys are still remembered.
"""

from typing import Any

from providers.sandbox.truth import intents, refunds
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Charge, Intent, IntentStatus

_confirm, _capture, _check = intents.confirm, intents.capture, refunds._check


def weaken() -> None:
    """Switch the guards off, in this process."""
    intents.confirm = _confirm_again
    intents.capture = _capture_again
    refunds._check = _refund_anything


def _confirm_again(core: Core, intent_id: str, *words: Any, **more: Any) -> Intent:
    _forget(core, intent_id, IntentStatus.NEEDS_CONFIRMATION)
    return _confirm(core, intent_id, *words, **more)


def _capture_again(core: Core, intent_id: str, amount_minor: int | None) -> Intent:
    _forget(core, intent_id, IntentStatus.AUTHORIZED)
    return _capture(core, intent_id, amount_minor)


def _forget(core: Core, intent_id: str, status: IntentStatus) -> None:
    """As if it had never been paid."""
    intent = core.store.get(Intent, intent_id)
    if intent.status == IntentStatus.SUCCEEDED:
        intent.status, intent.capturable_minor = status, intent.amount_minor
        core.store.save(intent)


def _refund_anything(charge: Charge, left: int, amount_minor: int | None) -> None:
    if not charge.captured:
        _check(charge, left, amount_minor)
