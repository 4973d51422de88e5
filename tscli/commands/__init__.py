"""The commands: words in, one service, a result to a renderer; nothing heavy at import.

A command's module is imported when its word is used, so that no command waits for the others.
"""

TREE = {
    "serve": "tscli.api.command",
    "day": "tscli.commands.day",
    "runs": "tscli.commands.runs",
    "payments": "tscli.commands.payments",
    "methods": "tscli.commands.methods",
    "recover": "tscli.commands.recover",
    "webhooks": "tscli.commands.webhooks",
    "approvals": "tscli.commands.approvals",
    "operators": "tscli.commands.operators",
    "idempotency": "tscli.commands.idempotency",
    "ledger": "tscli.commands.ledger",
    "reconcile": "tscli.commands.reconcile",
    "breaks": "tscli.commands.breaks",
    "reports": "tscli.commands.reports",
    "schedule": "tscli.commands.schedule",
    "notify": "tscli.commands.notify",
    "providers": "tscli.commands.providers",
    "audit": "tscli.commands.audit",
    "db": "tscli.commands.database",
    "config": "tscli.commands.config",
    "sandbox": "tscli.commands.sandbox",
    "demo": "tscli.commands.demo",
    "doctor": "tscli.commands.doctor",
}
"""Every word of the top level in the order of the help, and the module that has its `commands`, or
the one command of that name."""
