"""Packages that only bank statements need: an extra of its own."""

import importlib
from typing import Any

from domain.errors import ConfigurationError


def needed(name: str) -> Any:
    """A package by its import name.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigurationError(
            "Bank statements of this format need packages that are not installed.",
            hint='Install them: pip install "tscli[bank]".',
        ) from None
