"""What the world says no to, in neutral words; each face turns them into its own errors.

A refusal undoes the request it answers; a declined payment is no refusal but a recorded fact.
"""

from domain.errors import InvalidRequest, NotFound


class Refusal(InvalidRequest):
    """The request makes no sense in the present state; nothing was changed.

    `reason` is a stable word, `field` the neutral name of the offending field or empty,
    `object_id` the record whose state forbids it or empty.
    """

    code = "sandbox_refusal"
    hint = ""

    def __init__(self, reason: str, message: str, *, field: str = "", object_id: str = "") -> None:
        super().__init__(message)
        self.reason, self.field, self.object_id = reason, field, object_id


class Missing(NotFound):
    """No such record in this world."""

    code = "sandbox_missing"
    hint = ""

    def __init__(self, kind: str, object_id: str) -> None:
        super().__init__(f"No such {kind}: {object_id!r}.")
        self.kind, self.object_id = kind, object_id
