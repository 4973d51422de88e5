"""Customers and payment methods: tokens and what may be shown of them, never a card number.

Personal data lives in these two values only; everything else refers to them by id.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from domain.errors import InvalidRequest

_GROUPS = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?:[ -]{1,3}[0-9]+)*(?![0-9A-Za-z])")
"""Digits in groups, parted by blanks and hyphens: where card numbers may stand."""

_GROUP = re.compile("[0-9]+")
_LONGEST = 19 * 4
"""Characters of the longest card number, its separators included."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who pays."""

    customer_id: str
    reference: str
    """The shop's own name for the customer, unique."""
    created_at: datetime
    provider_customer_id: str = ""


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A reference to something a customer can pay with."""

    method_id: str
    customer_id: str | None
    provider: str
    account: str
    mode: str
    token: str
    type: str
    created_at: datetime
    brand: str = ""
    last4: str = ""
    expires: str = ""
    """`YYYY-MM`, empty when it does not expire."""
    removed_at: datetime | None = None


def is_card_number(digits: str) -> bool:
    """Whether 13-19 digits look like a card: an issuer's prefix and a right Luhn digit.

    Luhn alone holds for every tenth number, so order references would be refused at random.

    >>> is_card_number("4242424242424242"), is_card_number("4242424242424241")
    (True, False)
    """
    if not 13 <= len(digits) <= 19 or not digits.isascii() or not digits.isdigit():
        return False
    two, four = int(digits[:2]), int(digits[:4])
    issuer = (
        digits[0] == "4"
        or 51 <= two <= 55
        or 2221 <= four <= 2720
        or two in (34, 35, 36, 37, 38, 39, 30, 60, 62, 64, 65, 81)
        or two in (50, 56, 57, 58, 59, 63, 67)
    )
    doubled = [int(d) for d in reversed(digits)]
    total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(doubled))
    return issuer and total % 10 == 0


def card_numbers(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the text that look like card numbers, blanks and hyphens allowed.

    Neighbouring groups of digits, such as an expiry date or a security code, hide no number.
    """
    found: list[tuple[int, int]] = []
    for run in _GROUPS.finditer(text):
        groups = [m.span() for m in _GROUP.finditer(text, run.start(), run.end())]
        for first, (start, _) in enumerate(groups):
            if found and start < found[-1][1]:
                continue
            found += _card_from(text, start, [end for _, end in groups[first:]])
    return found


def _card_from(text: str, start: int, ends: list[int]) -> list[tuple[int, int]]:
    """The card number that begins at `start` and ends with one of the groups, if there is one."""
    for end in ends:
        if is_card_number(re.sub("[ -]", "", text[start:end])):
            return [(start, end)]
        if end - start > _LONGEST:
            break
    return []


def refuse_card_number(text: str, what: str) -> str:
    """Return `text` when no card number is in it.

    Raises:
        InvalidRequest: there is one; the message does not repeat it.
    """
    if card_numbers(text):
        raise InvalidRequest(
            f"The {what} contains what looks like a card number; it was not stored.",
            hint="Pass the provider's token of the card (pm_…), never the number itself.",
        )
    return text


def mask_card_numbers(text: str) -> str:
    """The text with all but the last four digits of card numbers replaced.

    >>> mask_card_numbers("card 4242 4242 4242 4242 ok")
    'card [card …4242] ok'
    """
    for start, end in reversed(card_numbers(text)):
        text = f"{text[:start]}[card …{text[end - 4 : end]}]{text[end:]}"
    return text
