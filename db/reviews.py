"""Reviews as rows: opened once per thing to look at, closed once, never deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from db.inserting import insert_new
from db.schema import reviews
from domain.clock import from_micros, to_micros
from domain.errors import NotFound
from domain.provider import ProviderAccount
from domain.review import Review, ReviewKind


class Reviews:
    """The reviews table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, review: Review) -> bool:
        """Insert a review, or note that an open one of its kind and subject is still so.

        Returns whether it is new. Of two who open the same at once, one finds the other's.
        """
        while not self._is_open(review):
            if self._insert(review):
                return True
        return False

    def _is_open(self, review: Review) -> bool:
        """Note that it is still so, where it is open."""
        o = review.owner
        known = self._connection.execute(
            update(reviews)
            .where(
                reviews.c.provider == o.provider,
                reviews.c.account == o.account,
                reviews.c.mode == o.mode,
                reviews.c.kind == review.kind,
                reviews.c.subject == review.subject,
                reviews.c.state == "open",
            )
            .values(seen_at=to_micros(review.seen_at))
        )
        return known.rowcount > 0

    def _insert(self, review: Review) -> bool:
        """Insert it unless another transaction has just done so; whether it was inserted."""
        o = review.owner
        return insert_new(
            self._connection,
            reviews,
            {
                "review_id": review.review_id,
                "provider": o.provider,
                "account": o.account,
                "mode": o.mode,
                "kind": review.kind,
                "subject": review.subject,
                "payment_id": review.payment_id,
                "operation_id": review.operation_id,
                "amount_minor": review.amount_minor,
                "currency": review.currency,
                "reason": review.reason,
                "evidence": review.evidence,
                "state": "open",
                "opened_at": to_micros(review.opened_at),
                "seen_at": to_micros(review.seen_at),
                "closed_at": None,
                "closed_by": "",
                "resolution": "",
                "ticket": "",
            },
            key=("provider", "account", "mode", "kind", "subject"),
            where="state = 'open'",
        )

    def close(
        self, review_id: str, now: datetime, by: str, resolution: str, ticket: str = ""
    ) -> bool:
        """Close an open review; whether it was open."""
        done = self._connection.execute(
            update(reviews)
            .where(reviews.c.review_id == review_id, reviews.c.state == "open")
            .values(
                state="closed",
                closed_at=to_micros(now),
                closed_by=by,
                resolution=resolution,
                ticket=ticket,
            )
        )
        return done.rowcount == 1

    def get(self, review_id: str) -> Review:
        """One review.

        Raises:
            NotFound: there is none.
        """
        row = self._connection.execute(
            select(reviews).where(reviews.c.review_id == review_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no review {review_id}.", hint="See `tscli recover queue`.")
        return _review(row)

    def find(
        self,
        *,
        payment_id: str | None = None,
        kind: ReviewKind | None = None,
        provider: str | None = None,
        only_open: bool = True,
        limit: int = 1_000,
    ) -> list[Review]:
        """Reviews, oldest first."""
        query = select(reviews).order_by(reviews.c.opened_at, reviews.c.review_id).limit(limit)
        if only_open:
            query = query.where(reviews.c.state == "open")
        wanted = {"payment_id": payment_id, "kind": kind, "provider": provider}
        for name, value in wanted.items():
            if value is not None:
                query = query.where(reviews.c[name] == value)
        return [_review(row) for row in self._connection.execute(query)]


def _review(row: Row[Any]) -> Review:
    return Review(
        review_id=row.review_id,
        owner=ProviderAccount(row.provider, row.account, row.mode),
        kind=ReviewKind(row.kind),
        subject=row.subject,
        payment_id=row.payment_id,
        operation_id=row.operation_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        reason=row.reason,
        evidence=row.evidence,
        opened_at=from_micros(row.opened_at),
        seen_at=from_micros(row.seen_at),
        closed_at=None if row.closed_at is None else from_micros(row.closed_at),
        closed_by=row.closed_by,
        resolution=row.resolution,
        ticket=row.ticket,
    )
