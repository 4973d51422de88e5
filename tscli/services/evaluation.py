"""One evaluation of a period: what our books and the kept statements say, compared.

Everything is read within one view of the books, so that what is compared is one moment. Rows too
many for memory lie in a folder meanwhile, which the caller gives and takes away.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from db.breaks import Stand
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
from tscli.services.balances import opening_balances, stated_closing
from tscli.services.statements import Kept, kept_files

if TYPE_CHECKING:
    from reconcile.arrivals import Arrivals
    from reconcile.comparison import Comparison
    from reconcile.gathering import Held, Sides
    from reconcile.rules import Rules
    from reconcile.wholes import Inside


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of comparing a period."""

    sides: "Sides"
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
    stood: Mapping[str, Stand | None]
    """How the breaks it found or cleared stood in its view of the books, see `Breaks.stands`."""
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
    tellers: list[str]
    """File ids of what was said of earlier lines."""


def scope_of(owner: ProviderAccount) -> str:
    """The provider account as one word, part of every break's name."""
    return "/".join((owner.provider, owner.account, owner.mode))


def evaluate(
    books: Books,
    owner: ProviderAccount,
    period: Period,
    matching: Matching,
    folder: Path,
    *,
    named: Sequence[str] = (),
    asked: Collection[str] = (),
) -> Evaluated:
    """Compare a period; `named` are the ids of files that were just handed in, `asked` names of
    rows that the comparison has to hold whatever becomes of them.

    Raises:
        IntegrityError: the buckets do not sum to their inputs, which is our bug.
    """
    from reconcile.gathering import gather

    carried = books.breaks.open_of(owner, period.start_at)
    look = _Look(
        books, owner, period, matching, kept_files(books, owner), carried, named,
        _window(books, period, matching, carried), Older(books, owner),
    )  # fmt: skip
    held, rows = look.held()
    sides = gather(held, rows, matching.rows_in_memory, folder)
    rules = rules_of(owner, period, matching, carried)
    return _told(look, sides, sides.compare(rules, {*asked, *_names(carried)}))


@dataclass(frozen=True, slots=True)
class _Look:
    """What one evaluation looks at."""

    books: Books
    owner: ProviderAccount
    period: Period
    matching: Matching
    files: Mapping[str, Kept]
    carried: Sequence[BreakRecord]
    named: Sequence[str]
    window: tuple[datetime, datetime]
    older: "Older"

    def held(self) -> "tuple[Held, int]":
        """Both sides of the window as the books hold them, and how many rows that is."""
        from reconcile.gathering import Held
        from reconcile.stretches import columns_of_csv

        ledger, statements = self.books.ledger, self.books.statements
        held = Held(
            ours=ledger.columns(self.owner, *self.window, columns_of_csv),
            theirs=statements.columns(self.owner, *self.window, columns_of_csv),
            files={name: kept.file for name, kept in self.files.items()},
            known=self.older,
            named=set(self.named),
            rejects=rejects_of(self.files, self.rejecting()),
        )
        rows = ledger.count(self.owner, *self.window) + statements.count(self.owner, *self.window)
        return held, rows

    def rejecting(self) -> list[str]:
        """Ids of the files whose unreadable rows count."""
        return sorted(
            name
            for name, kept in self.files.items()
            if name in self.named or _touches(kept.file, self.period)
        )

    def seen(self, used: Iterable[InputFile]) -> Seen:
        """Which kept statements it could see, of which it used the lines of some."""
        digests = {file.digest for file in used}
        names = sorted(name for name, kept in self.files.items() if kept.file.digest in digests)
        tellers = self.books.statements.tellers(self.owner)
        return Seen(self.window, names, self.rejecting(), tellers)

    def inputs(self, digests: set[str]) -> tuple[InputFile, ...]:
        """The files that say something about the period; `digests` are those with lines in it."""
        digests |= {self.files[name].file.digest for name in self.named}
        kept = self.files.values()
        digests |= {k.file.digest for k in kept if k.rejects and _touches(k.file, self.period)}
        found = {k.file.digest: k.file for k in kept if k.file.digest in digests}
        return tuple(found[name] for name in sorted(found))

    def balances(self, inside: "Inside") -> tuple[BalanceProof, ...]:
        """What the provider held, from its lines of the period."""
        from reconcile.wholes import prove_balances

        every = [kept.file for kept in self.files.values()]
        opening = opening_balances(self.books, self.owner, every, self.period.start_at)
        return prove_balances(opening, inside, stated_closing(every, self.period.end_at))


def _names(carried: Iterable[BreakRecord]) -> Iterator[str]:
    """What the rows of breaks go by: what they say now is the evidence where one has gone."""
    for record in carried:
        yield from filter(None, (record.transaction_id, record.provider_reference))


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
    books: Books, period: Period, matching: Matching, carried: Sequence[BreakRecord]
) -> tuple[datetime, datetime]:
    """The period and every open break with the context before them, and the context after."""
    first_runs = books.runs.starts({record.first_run_id for record in carried})
    starts = (period.start_at, *first_runs, *(record.occurred_at for record in carried))
    # What a break was found by, another line of the same object, may lie as far back as the
    # context of the run that found it: without it the break would turn into another one.
    return min(starts) - matching.context, period.end_at + matching.context


def rejects_of(files: Mapping[str, Kept], names: Iterable[str]) -> list[Reject]:
    """The unreadable rows of some files, in an order that depends on their contents alone.

    The same row in two files is one row, and as often in one file it is as many.
    """
    chosen = sorted((files[name] for name in names), key=lambda kept: kept.file.digest)
    found: list[Reject] = []
    most: Counter[tuple[str, str, str]] = Counter()
    for kept in chosen:
        here: Counter[tuple[str, str, str]] = Counter()
        for reject in kept.rejects:
            same = (reject.row, reject.column, reject.reason)
            here[same] += 1
            if not reject.row or here[same] > most[same]:
                found.append(reject)
        most |= here
    return found


def _touches(file: InputFile, period: Period) -> bool:
    """Whether the lines of a file reach into a period."""
    if file.period is None:
        return False
    first, last = (datetime.fromisoformat(text) for text in file.period)
    return first < period.end_at and last >= period.start_at


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


def _told(look: _Look, sides: "Sides", comparison: "Comparison") -> Evaluated:
    from reconcile.evidence import evidence_for
    from reconcile.payouts import prove_payouts
    from reconcile.wholes import Inside, balance_breaks, file_breaks, once, payout_breaks
    from tscli.services.bank import arrivals_of

    rules, scope = comparison.rules, comparison.rules.scope
    payouts = prove_payouts(sides.their_parts)
    due = _within(payouts, look.period)
    bank = arrivals_of(look.books, look.owner, payouts, look.window[0], look.period.end_at)
    assert rules.period is not None
    inside = Inside.of(sides.their_parts(), rules.period)
    inputs = look.inputs({sides.files[at].digest for at in inside.files})
    balances = look.balances(inside)
    about_payouts = (
        item
        for item in payout_breaks(payouts, scope)
        if item.provider_reference in due or item.break_id in rules.carried
    )
    closing = balance_breaks(balances, to_micros(look.period.end_at), scope)
    wholes = once((*file_breaks(inputs, scope), *closing, *about_payouts, *bank.breaks))
    still = {item.break_id for item in wholes} | set(comparison.found.frame["break_id"])
    gone = [record for record in look.carried if record.break_id not in still]
    digests = _digests(look, sides)
    doubts = sorted(f.digest for f in inputs if f.unreadable or any(s.difference for s in f.stated))
    return Evaluated(
        sides=sides,
        comparison=comparison,
        inputs=inputs,
        balances=balances,
        payouts=tuple(proof for proof in payouts if proof.payout_id in due),
        arrivals=tuple(sorted(bank.found, key=lambda one: (one.booked_on, one.payout_id))),
        in_transit=_sums(bank.in_transit),
        wholes=wholes,
        cleared=evidence_for(gone, comparison, payouts, bank.found),
        carried=len(rules.carried & still),
        stood=look.books.breaks.stands(still | rules.carried),
        fingerprint=digest(canonical([rules.digest, *digests, doubts, _at_the_bank(bank)])),
        expected_digest=digests[0],
        rules=_as_json(rules, look.seen(sides.files), look.older.told),
    )


def _digests(look: _Look, sides: "Sides") -> tuple[str, str]:
    """Both sides by their content, without what only open breaks reach back for, so that a break
    that has gone does not make the same inputs look new."""
    from reconcile.digest import digest_expected, digest_reported

    since = to_micros(look.period.start_at - look.matching.context)
    return (
        digest_expected(sides.our_parts(), since),
        digest_reported(sides.their_parts(), since),
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


def _as_json(rules: "Rules", seen: Seen, known: Mapping[str, str]) -> str:
    """Everything that is needed to compare the same again."""
    plain = asdict(rules) | {"carried": sorted(rules.carried), "covered": None}
    values = {
        "rules": plain,
        "window": [to_micros(instant) for instant in seen.window],
        "files": seen.files,
        "rejecting": seen.rejecting,
        "tellers": seen.tellers,
        "known": dict(sorted(known.items())),
    }
    return json.dumps(values, sort_keys=True)
