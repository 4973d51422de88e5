"""Operators: configured identities, their roles, and the one table of who may do what.

With nobody configured there is one person, who may do everything but agree with themself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import NotPermitted


class Role(StrEnum):
    """What an operator is trusted with."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class Permission(StrEnum):
    """One kind of act that changes something; looking needs none."""

    TAKE_MONEY = "take_money"
    """Create, capture and cancel payments; keep and remove payment methods."""
    REFUND = "refund"
    RECOVER = "recover"
    """Sweep, retry and ask for resolutions."""
    RECONCILE = "reconcile"
    """Import ledgers, run reconciliations, work on breaks."""
    WEBHOOKS = "webhooks"
    """Apply, replay and discard events."""
    APPROVE = "approve"
    """Agree to what somebody else asked for."""
    SWITCH = "switch"
    """Pause and resume providers, upgrade the database."""


_WORK = frozenset(
    {
        Permission.TAKE_MONEY,
        Permission.REFUND,
        Permission.RECOVER,
        Permission.RECONCILE,
        Permission.WEBHOOKS,
    }
)
PERMITTED: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: _WORK,
    Role.APPROVER: _WORK | {Permission.APPROVE},
    Role.ADMIN: frozenset(Permission),
}
"""Everything a role may do; what is not named is refused."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One configured identity."""

    name: str
    role: Role
    system_user: str = ""
    """The machine's user who alone may act under this name; empty for anybody."""


@dataclass(frozen=True, slots=True)
class Operators:
    """All configured identities; none means that there is one person."""

    known: Mapping[str, Operator] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether nobody is configured."""
        return not self.known

    def identify(self, name: str, system_user: str) -> None:
        """Let somebody act under a name.

        Raises:
            NotPermitted: nobody of that name is configured, or the name is another user's.
        """
        if self.alone:
            return
        found = self.known.get(name)
        if found is None:
            raise NotPermitted(
                f"{name!r} is no configured operator.",
                hint="Set TSCLI_OPERATOR to a name of `tscli operators list`.",
            )
        if found.system_user and found.system_user != system_user:
            raise NotPermitted(
                f"The operator {name!r} belongs to the system user {found.system_user!r}.",
                hint="Act under your own name.",
            )

    def check(self, name: str, permission: Permission) -> None:
        """Let an act pass.

        Raises:
            NotPermitted: the operator's role does not hold it.
        """
        if self.alone:
            return
        found = self.known.get(name)
        role = found.role if found else Role.VIEWER
        if permission not in PERMITTED[role]:
            able = ", ".join(r for r in Role if permission in PERMITTED[r])
            raise NotPermitted(
                f"{name!r} is {role}, and that may not {permission.replace('_', ' ')}.",
                hint=f"Ask somebody who is {able}; see `tscli operators list`.",
            )
