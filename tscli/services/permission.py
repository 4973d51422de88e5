"""Who may act: the one place where it is decided, and where a refusal is written down."""

from domain.errors import NotPermitted
from domain.operator import Permission
from tscli.services.context import Context


def require(context: Context, permission: Permission) -> None:
    """Let the operator act; asked by every service before it changes anything.

    Raises:
        NotPermitted: the operator's role does not hold the permission; the attempt is audited.
    """
    try:
        context.operators.check(context.actor.operator, permission)
    except NotPermitted as error:
        refused(context, permission, error)
        raise


def refused(context: Context, what: str, error: NotPermitted) -> None:
    """Write an attempt that was not permitted into the audit trail."""
    with context.database.transaction() as books:
        books.record(
            context.actor,
            "permission.refused",
            context.actor.operator,
            after={"asked": what, "why": error.message},
        )
