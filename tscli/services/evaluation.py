"""One evaluation of a period: what our books and the kept statements say, compared.

Everything is read within one view of the books, so that what is compared is one moment.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from db.database import Books
from domain.arrival import Arrival
from domain.audit import canonical, digest
from domain.break_life import BreakRecord
from domain.breaks import Break
from domain.clock import to_micros
from domain.matching import Matching
from domain.payout import PayoutProof
from domain.provider import ProviderAccount
from domain.run import BalanceProof, Period
from domain.settlement import InputFile, Reject
from tscli.services.statements import Kept, kept_files

if TYPE_CHECKING:
    from reconcile.arrivals import Arrivals
    from reconcile.comparison import Comparison
    from reconcile.frames import Expected, Reported
    from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of comparing a period."""

    comparison: "Comparison"
    inputs: tuple[InputFile, ...]
    balances: tuple[BalanceProof, ...]
    payouts: tuple[PayoutProof, ...]
    arrivals: tuple[Arrival, ...]
    in_transit: tuple[tuple[str, int], ...]
    wholes: tuple[Break, ...]
    """Breaks about files, balances and payouts."""
    cleared: Mapping[str, str]
    """Breaks of earlier runs that are gone: id -> evidence."""
    carried: int
    """Breaks of earlier runs that are still there."""
    fingerprint: str
    expected_digest: str
    rules: str
    """Everything a rerun needs, as JSON."""

    def breaks(self) -> Iterator[Break]:
        """All breaks: those about lines in their fixed order, then those about wholes."""
        yield from self.comparison.iter_breaks()
        yield from self.wholes


@dataclass(frozen=True, slots=True)
class Seen:
    """Which kept statements a run could see."""

    window: tuple[datetime, datetime]
    """Half-open."""
    files: list[str]
    """File ids of its lines."""
    rejecting: list[str]
    """File ids whose unreadable rows it counts."""


def scope_of(owner: ProviderAccount) -> str:
    """The provider account as one word, part of every break's name."""
    return "/".join((owner.provider, owner.account, owner.mode))


def evaluate(
    books: Books,
    owner: ProviderAccount,
    period: Period,
    matching: Matching,
    named: Sequence[str],
) -> Evaluated:
    """Compare a period; `named` are the ids of files that were just handed in.

    Raises:
        IntegrityError: the buckets do not sum to their inputs, which is our bug.
    """
    from reconcile.compare import compare

    carried = books.breaks.open_of(owner, period.start_at)
    window = _window(period, matching, carried)
    files = kept_files(books, owner)
    reported, seen = _reported(books, owner, files, window, period, named)
    older = Older(books, owner)
    expected = _expected(books, owner, window, older)
    rules = rules_of(owner, period, matching, carried)
    comparison = compare(expected, reported, rules)
    return _told(books, owner, period, matching, files, carried, comparison, named, seen, older)


def rules_of(
    owner: ProviderAccount, period: Period, matching: Matching, carried: Iterable[BreakRecord]
) -> "Rules":
    """The rules of a run."""
    from reconcile.rules import Rules

    return Rules(
        period=(to_micros(period.start_at), to_micros(period.end_at)),
        scope=scope_of(owner),
        tolerances=matching.tolerances,
        cut_off_micros=matching.cut_off // timedelta(microseconds=1),
        dates_apart_micros=matching.dates_apart // timedelta(microseconds=1),
        carried=frozenset(record.break_id for record in carried),
    )


def _window(
    period: Period, matching: Matching, carried: Sequence[BreakRecord]
) -> tuple[datetime, datetime]:
    """From the oldest open break, or the context, to the context after the period."""
    start = period.start_at - matching.context
    oldest = min((r.occurred_at - timedelta(days=1) for r in carried), default=start)
    return min(start, oldest), period.end_at + matching.context


def _reported(
    books: Books,
    owner: ProviderAccount,
    files: Mapping[str, Kept],
    window: tuple[datetime, datetime],
    period: Period,
    named: Sequence[str],
) -> "tuple[Reported, Seen]":
    from reconcile.lines import reported_of_lines

    rejecting = sorted(
        name for name, kept in files.items() if name in named or _touches(kept.file, period)
    )
    rejects = rejects_of(files, rejecting)
    lines = books.statements.columns(owner, *window)
    every = {name: kept.file for name, kept in files.items()}
    reported = reported_of_lines(lines, every, set(named), rejects)
    digests = {file.digest for file in reported.files}
    used = sorted(name for name, file in every.items() if file.digest in digests)
    return reported, Seen(window, used, rejecting)


def rejects_of(files: Mapping[str, Kept], names: Iterable[str]) -> list[Reject]:
    """The unreadable rows of some files, in an order that depends on their contents alone."""
    chosen = sorted((files[name] for name in names), key=lambda kept: kept.file.digest)
    return [reject for kept in chosen for reject in kept.rejects]


def _touches(file: InputFile, period: Period) -> bool:
    """Whether the lines of a file reach into a period."""
    if file.period is None:
        return False
    first, last = (datetime.fromisoformat(text) for text in file.period)
    return first < period.end_at and last >= period.start_at


def _expected(
    books: Books,
    owner: ProviderAccount,
    window: tuple[datetime, datetime],
    older: "Older",
) -> "Expected":
    from reconcile.frames import Expected, expected_of_stretches

    expected = Expected.of(expected_of_stretches(books.ledger.columns(owner, *window)))
    return replace(expected, known=older)


@dataclass(frozen=True, slots=True)
class Older:
    """The payments of our lines outside the period that reported lines belong to, asked for where
    nothing else says it; what was answered is kept with the run."""

    books: Books
    owner: ProviderAccount
    told: dict[str, str] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def __call__(self, names: Collection[str]) -> Mapping[str, str]:
        """See `reconcile.frames.Known`."""
        fresh = set(names) - self._asked
        self._asked.update(fresh)
        self.told.update(self.books.statements.payments_of(self.owner, sorted(fresh)))
        return {name: self.told[name] for name in names if name in self.told}


def _told(
    books: Books,
    owner: ProviderAccount,
    period: Period,
    matching: Matching,
    files: Mapping[str, Kept],
    carried: Sequence[BreakRecord],
    comparison: "Comparison",
    named: Sequence[str],
    seen: Seen,
    older: Older,
) -> Evaluated:
    from reconcile.digest import digest_expected, digest_reported
    from reconcile.evidence import evidence_for
    from reconcile.payouts import prove_payouts
    from reconcile.wholes import balance_breaks, file_breaks, payout_breaks
    from tscli.services.bank import arrivals_of

    rules, scope = comparison.rules, comparison.rules.scope
    payouts = prove_payouts(comparison.reported.frame)
    due = _within(payouts, period)
    bank = arrivals_of(books, owner, payouts, seen.window[0], period.end_at)
    inputs = _inputs(comparison, period, files, named)
    balances = _balances(books, owner, period, files, comparison)
    wholes = [
        *file_breaks(inputs, scope),
        *balance_breaks(balances, to_micros(period.end_at), scope),
        *(
            item
            for item in payout_breaks(payouts, scope)
            if item.provider_reference in due or item.break_id in rules.carried
        ),
        *bank.breaks,
    ]
    still = {item.break_id for item in wholes} | set(comparison.found.frame["break_id"])
    gone = [record for record in carried if record.break_id not in still]
    # Without what only open breaks reach back for, so that a break that has gone does not make the
    # same inputs look new.
    since = to_micros(period.start_at - matching.context)
    expected_digest = digest_expected(comparison.expected.frame, since)
    reported_digest = digest_reported(comparison.reported.frame, since)
    doubts = sorted(f.digest for f in inputs if f.unreadable or any(s.difference for s in f.stated))
    return Evaluated(
        comparison=comparison,
        inputs=inputs,
        balances=balances,
        payouts=tuple(proof for proof in payouts if proof.payout_id in due),
        arrivals=tuple(sorted(bank.found, key=lambda one: (one.booked_on, one.payout_id))),
        in_transit=_sums(bank.in_transit),
        wholes=tuple(wholes),
        cleared=evidence_for(gone, comparison, payouts, bank.found),
        carried=len(rules.carried & still),
        fingerprint=digest(
            canonical([rules.digest, expected_digest, reported_digest, doubts, _at_the_bank(bank)])
        ),
        expected_digest=expected_digest,
        rules=_as_json(rules, seen, older.told),
    )


def _at_the_bank(bank: "Arrivals") -> list[str]:
    """What was found at the bank, as part of a run's name."""
    found = (f"{one.payout_id} {one.deposit}" for one in bank.found)
    return sorted([*found, *(item.break_id for item in bank.breaks)])


def _sums(payouts: Iterable[PayoutProof]) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = {}
    for payout in payouts:
        sums[payout.currency] = sums.get(payout.currency, 0) + payout.paid_minor
    return tuple(sorted(sums.items()))


def _within(payouts: Iterable[PayoutProof], period: Period) -> set[str]:
    return {
        proof.payout_id
        for proof in payouts
        if period.start_at <= datetime.fromisoformat(proof.occurred_at) < period.end_at
    }


def _inputs(
    comparison: "Comparison", period: Period, files: Mapping[str, Kept], named: Sequence[str]
) -> tuple[InputFile, ...]:
    """The files that say something about the period."""
    frame = comparison.reported.frame
    start, end = to_micros(period.start_at), to_micros(period.end_at)
    inside = frame["file"][(frame["occurred_at"] >= start) & (frame["occurred_at"] < end)]
    digests = {comparison.reported.files[place].digest for place in inside.unique().tolist()}
    digests |= {files[name].file.digest for name in named}
    digests |= {k.file.digest for k in files.values() if k.rejects and _touches(k.file, period)}
    found = {kept.file.digest: kept.file for kept in files.values() if kept.file.digest in digests}
    return tuple(found[name] for name in sorted(found))


def _balances(
    books: Books,
    owner: ProviderAccount,
    period: Period,
    files: Mapping[str, Kept],
    comparison: "Comparison",
) -> tuple[BalanceProof, ...]:
    from reconcile.wholes import prove_balances
    from tscli.services.balances import opening_balances, stated_closing

    frame = comparison.reported.frame
    start, end = to_micros(period.start_at), to_micros(period.end_at)
    inside = frame[(frame["occurred_at"] >= start) & (frame["occurred_at"] < end)]
    every = [kept.file for kept in files.values()]
    opening = opening_balances(books, owner, every, period.start_at)
    return prove_balances(opening, inside, stated_closing(every, period.end_at))


def _as_json(rules: "Rules", seen: Seen, known: Mapping[str, str]) -> str:
    """Everything that is needed to compare the same again."""
    plain = asdict(rules) | {"carried": sorted(rules.carried), "covered": None}
    values = {
        "rules": plain,
        "window": [to_micros(instant) for instant in seen.window],
        "files": seen.files,
        "rejecting": seen.rejecting,
        "known": dict(sorted(known.items())),
    }
    return json.dumps(values, sort_keys=True)
