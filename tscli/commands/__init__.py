"""The commands: words in, one service, a result to a renderer; nothing heavy at import."""

from collections.abc import Callable
from typing import Any

import typer

from tscli.commands import (
    approvals,
    audit,
    breaks,
    config,
    database,
    demo,
    doctor,
    idempotency,
    ledger,
    methods,
    operators,
    payments,
    providers,
    reconcile,
    recover,
    reports,
    sandbox,
    webhooks,
)

TREE: dict[str, typer.Typer | Callable[..., Any]] = {
    "payments": payments.commands,
    "methods": methods.commands,
    "recover": recover.commands,
    "webhooks": webhooks.commands,
    "approvals": approvals.commands,
    "operators": operators.commands,
    "idempotency": idempotency.commands,
    "ledger": ledger.commands,
    "reconcile": reconcile.commands,
    "breaks": breaks.commands,
    "reports": reports.commands,
    "providers": providers.commands,
    "audit": audit.commands,
    "db": database.commands,
    "config": config.commands,
    "sandbox": sandbox.commands,
    "demo": demo.demo,
    "doctor": doctor.doctor,
}
"""Every command group and command of the top level, in the order of the help."""
