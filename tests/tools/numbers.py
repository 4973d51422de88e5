"""Numbers among the words of a benchmark or a storm."""

import argparse
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """A type for `argparse`: whole numbers from `least` on, or a sentence."""

    def whole(text: str) -> int:
        number = int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdigit() else None
        if number is None or number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
        return number

    return whole
