"""Packages that only readers of bank files need: the extra `bank`."""

import importlib
from typing import Any

from domain.errors import ConfigurationError


def package(name: str, what: str) -> Any:
    """A module of an optional package.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
            raise
        raise ConfigurationError(
            f"Reading {what} needs a package that is not installed.",
            hint='Install tscli with the extra [bank]: pip install "tradesense-payments[bank]".',
        ) from None
