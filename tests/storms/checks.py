"""Safety, checked after every step: what must hold at any moment, whatever was killed or lost.

Each check compares plain rows of the books with the world's truth and yields what is broken as
(invariant, sentence). The product's code is not used: it would agree with itself.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from tests.storms.books import Row
from tests.storms.truth import NEVER, UNTOUCHED, Truth

Rows = dict[str, list[Row]]
Broken = Iterator[tuple[str, str]]

ENDS = ("failed", "cancelled")
OPEN = ("recorded", "sending", "unknown")
MONEY_STEPS = ("confirm", "capture", "refund")


def charged_once(books: Rows, truth: Truth) -> Broken:
    """I1: no order, and no payment, takes more than was meant."""
    meant: dict[str, int] = {}
    for p in books["payments"]:
        taken = sum(t.captured for t in truth.of_payment(p["payment_id"]))
        if taken > p["amount_minor"]:
            yield "I1", f"{p['payment_id']} took {taken} of {p['amount_minor']}"
        if p["order_reference"]:
            meant[p["order_reference"]] = p["amount_minor"]
    for order, minor in meant.items():
        taken = sum(t.captured for t in truth.of_order(order))
        if taken > minor:
            yield "I1", f"the order {order} was charged {taken} of {minor}"


def no_false_failure(books: Rows, truth: Truth) -> Broken:
    """I2: what is called failed, cancelled or refused did not happen and never can."""
    for p in books["payments"]:
        if p["state"] not in ENDS:
            continue
        for t in truth.of_payment(p["payment_id"]):
            if t.captured:
                yield "I2", f"{p['payment_id']} is {p['state']} and took {t.captured}"
            ours = t.intent_id == p["provider_payment_id"]
            if t.status not in (NEVER if ours else NEVER | UNTOUCHED):
                yield "I2", f"{p['payment_id']} is {p['state']}, {t.intent_id} is {t.status}"
    given = {r.metadata.get("operation_id") for t in truth.paid for r in t.refunds}
    for o in books["operations"]:
        if o["kind"] == "refund" and o["state"] == "refused" and o["operation_id"] in given:
            yield "I2", f"the refund {o['operation_id']} is refused, and the money went"


def no_false_success(books: Rows, truth: Truth) -> Broken:
    """I3: nothing is called done that did not happen at the provider's object we name."""
    given = {r.metadata.get("operation_id") for t in truth.paid for r in t.refunds}
    for p in books["payments"]:
        found = truth.object(p["provider_payment_id"]) if p["provider_payment_id"] else None
        captured = found.captured if found else 0
        refunded = found.refunded if found else 0
        if p["captured_minor"] > captured or p["refunded_minor"] > refunded:
            yield "I3", f"{p['payment_id']} claims more than {captured} in, {refunded} out"
    for o in books["operations"]:
        if o["kind"] == "refund" and o["state"] == "done" and o["operation_id"] not in given:
            yield "I3", f"the refund {o['operation_id']} is done, and no money went"


def within_bounds(books: Rows, truth: Truth) -> Broken:
    """I6 and I7: captured within authorised; refunds, reserved ones too, within captured."""
    moved = {t["operation_id"] for t in books["transactions"] if t["operation_id"]}
    for p in books["payments"]:
        if p["captured_minor"] > p["amount_minor"]:
            yield "I6", f"{p['payment_id']} captured {p['captured_minor']}"
        reserved = sum(
            o["amount_minor"]
            for o in books["operations"]
            if o["payment_id"] == p["payment_id"] and o["kind"] == "refund"
            and o["state"] in OPEN and o["operation_id"] not in moved
        )  # fmt: skip
        if p["refunded_minor"] + reserved > p["captured_minor"]:
            yield "I7", f"{p['payment_id']}: {p['refunded_minor']} refunded and {reserved} reserved"
    for t in truth.paid:
        if t.refunded > t.captured:
            yield "I7", f"{t.intent_id} gave back {t.refunded} of {t.captured}"


def one_refund_each(books: Rows, truth: Truth) -> Broken:
    """I7: one intended refund is one refund, of the intended amount."""
    meant = {o["operation_id"]: o["amount_minor"] for o in books["operations"]}
    seen: Counter[str] = Counter()
    for r in (r for t in truth.paid for r in t.refunds):
        operation_id = r.metadata.get("operation_id", "")
        seen[operation_id] += 1
        if seen[operation_id] > 1:
            yield "I7", f"{operation_id} refunded {seen[operation_id]} times"
        if meant.get(operation_id) != r.amount_minor:
            yield "I7", f"{operation_id} refunded {r.amount_minor}, not what was meant"


def keys_stand_for_one(books: Rows, truth: Truth) -> Broken:
    """I8: every operation has one key, and no key two operations."""
    count = Counter(row["operation_id"] for row in books["idempotency"])
    for o in books["operations"]:
        if count[o["operation_id"]] != 1:
            yield "I8", f"{o['operation_id']} has {count[o['operation_id']]} keys"


def ledger_is_the_state(books: Rows, truth: Truth) -> Broken:
    """I13 and I14: what succeeded is posted once, to the unit, and payments say the same."""
    posted: Counter[str] = Counter()
    bare = {e["entry_id"]: e["transaction_id"] for e in books["entries"]}
    currency = {t["transaction_id"]: t["currency"] for t in books["transactions"]}
    lined = set()
    for line in books["postings"]:
        transaction_id = bare[line["entry_id"]]
        lined.add(line["entry_id"])
        sign = (line["destination"] == "provider_balance") - (line["source"] == "provider_balance")
        posted[transaction_id] += sign * line["amount_minor"]
        if line["amount_minor"] <= 0 or line["currency"] != currency[transaction_id]:
            yield "I13", f"{line['entry_id']} posts {line['amount_minor']} {line['currency']}"
    for entry_id in bare.keys() - lined:
        yield "I13", f"{entry_id} has no postings"
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for t in books["transactions"]:
        done = t["status"] == "succeeded"
        net = t["amount_minor"] - (t["fee_minor"] or 0) if done else 0
        if posted[t["transaction_id"]] != net:
            yield "I14", f"{t['transaction_id']} posted {posted[t['transaction_id']]}, not {net}"
        if done or (t["kind"] == "refund" and t["status"] == "pending"):
            sums[t["payment_id"]][t["kind"]] += t["amount_minor"]
    for p in books["payments"]:
        counted = sums[p["payment_id"]]
        if (p["captured_minor"], p["refunded_minor"]) != (counted["charge"], -counted["refund"]):
            yield "I14", f"{p['payment_id']} is not the sum of its transactions"


def one_fact_one_transaction(books: Rows, truth: Truth) -> Broken:
    """I15: state, audit and event exist together: every version of a payment has its record."""
    facts = Counter((a["action"], a["subject"]) for a in books["audit"])
    if facts != Counter((e["name"], e["subject"]) for e in books["events"]):
        yield "I15", "audit records and events are not the same facts"
    sealed = {a["audit_id"]: a["ledger_digest"] for a in books["audit"]}
    for e in books["entries"]:
        if not sealed.get(e["audit_id"]):
            yield "I15", f"{e['entry_id']} has no record that was sealed over it"


def breaker_counts_outages(books: Rows, down: int) -> Broken:
    """F26: only signs that the provider is down are counted."""
    for account in books["provider_accounts"]:
        if account["breaker_failures"] > down:
            yield "F26", f"the breaker counts {account['breaker_failures']} of {down} outages"


CHECKS: tuple[Callable[[Rows, Truth], Broken], ...] = (
    charged_once, no_false_failure, no_false_success, within_bounds, one_refund_each,
    keys_stand_for_one, ledger_is_the_state, one_fact_one_transaction,
)  # fmt: skip
