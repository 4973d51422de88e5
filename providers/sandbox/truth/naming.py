"""How each provider names things: ids of a kind, made of letters that the world's dice give.

A naming is a function of a neutral prefix (`pi` payment, `ch` charge, `txn` line, `evt` event …)
and of chance; it never looks at the thing it names.
"""

from collections.abc import Callable

Dice = Callable[..., str]
"""(stream, length, alphabet) -> letters; see `Core.random`."""

UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def stripe_like(prefix: str, dice: Dice) -> str:
    """Such as `pi_3…`: the prefix and 24 letters, the first the digit 3."""
    return f"{prefix}_3{dice('id', 23)}"


def paypal_like(prefix: str, dice: Dice) -> str:
    """Seventeen capital letters and digits; events, disputes and vault tokens have own shapes."""
    match prefix:
        case "evt":
            return f"WH-{dice('id', 17, UPPER)}-{dice('id', 17, UPPER)}"
        case "dp":
            return f"PP-R-{dice('id', 3, UPPER[10:])}-{dice('id', 8, UPPER[:10])}"
        case "pm":
            return dice("id", 9, UPPER).lower()
        case _:
            return dice("id", 17, UPPER)


NAMINGS: dict[str, Callable[[str, Dice], str]] = {"stripe": stripe_like, "paypal": paypal_like}
"""Provider -> its naming."""
