"""Operators: who may act under which name, and every cell of roles and permissions."""

import pytest

from domain.errors import NotPermitted
from domain.operator import Operator, Operators, Permission, Role

MAY = """
              viewer  operator  approver  admin
take_money    -       yes       yes       yes
refund        -       yes       yes       yes
recover       -       yes       yes       yes
reconcile     -       yes       yes       yes
webhooks      -       yes       yes       yes
approve       -       -         yes       yes
switch        -       -         -         yes
"""


def cells() -> list[tuple[Permission, Role, bool]]:
    """Every cell of the table above."""
    head, *rows = (line.split() for line in MAY.strip().splitlines())
    return [
        (Permission(name), Role(role), word == "yes")
        for name, *words in rows
        for role, word in zip(head, words, strict=True)
    ]


@pytest.mark.parametrize(("permission", "role", "may"), cells())
def test_every_cell_of_roles_and_permissions(permission: Permission, role: Role, may: bool) -> None:
    """Proves for each role and permission whether it holds it; a refusal names who does."""
    people = Operators({"ann": Operator("ann", role)})
    if may:
        people.check("ann", permission)
        return
    with pytest.raises(NotPermitted) as refused:
        people.check("ann", permission)
    assert role in refused.value.message
    assert "admin" in refused.value.hint


def test_the_table_names_every_pair() -> None:
    """Proves that no permission and no role is missing."""
    assert {(p, r) for p, r, _ in cells()} == {(p, r) for p in Permission for r in Role}


def test_an_unknown_name_may_nothing() -> None:
    """Proves that with operators configured a stranger cannot act, and alone anybody can."""
    people = Operators({"ann": Operator("ann", Role.ADMIN, system_user="ann")})
    people.identify("ann", "ann")
    for name, user in (("bob", "bob"), ("ann", "bob"), ("", "ann")):
        with pytest.raises(NotPermitted):
            people.identify(name, user)
    with pytest.raises(NotPermitted):
        people.check("bob", Permission.REFUND)
    Operators().identify("anybody", "x")
    Operators().check("anybody", Permission.SWITCH)
