"""Sides in buckets on disk say what sides in memory say: every total, break, payout and digest."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.break_life import BreakRecord, BreakState, Closing
from domain.buckets import Bucket
from domain.clock import from_micros
from domain.settlement import InputFile
from reconcile.certificate import certificates
from reconcile.digest import digest_expected, digest_reported
from reconcile.evidence import evidence_for
from reconcile.frames import expected_frame, expected_of_stretches
from reconcile.gathering import Held, Sides, gather
from reconcile.payouts import prove_payouts
from reconcile.rules import Rules
from reconcile.snapshot import frame_blocks, stretches_of
from reconcile.wholes import Inside

DAY = 86_400_000_000
Row = dict[str, Any]

kinds = st.sampled_from(["charge", "charge", "refund", "dispute", "fee", "adjustment", "payout"])
amounts = st.sampled_from([-40, 40, 60, 100])
currencies = st.sampled_from(["USD", "USD", "EUR"])
fees = st.sampled_from([0, 0, 3])
days = st.integers(0, 11).map(lambda day: day * DAY)
payments = st.sampled_from(["pay_1", "pay_2", ""])
ours = st.lists(
    st.fixed_dictionaries(
        {
            "provider_reference": st.sampled_from(["t_1", "t_2", "t_3", "c_1", "c_2", "c_3", ""]),
            "payment_id": payments,
            "kind": kinds,
            "amount_minor": amounts,
            "currency": currencies,
            "fee_minor": fees,
            "status": st.sampled_from(["succeeded", "succeeded", "succeeded", "pending"]),
            "occurred_at": days,
        }
    ),
    max_size=10,
)
theirs = st.lists(
    st.fixed_dictionaries(
        {
            "reference": st.sampled_from(["t_1", "t_2", "t_3", "t_4", "c_1"]),
            "source": st.sampled_from(["c_1", "c_2", "c_3", ""]),
            "parent": st.sampled_from(["c_1", "", ""]),
            "ours": payments,
            "payout": st.sampled_from(["po_1", "po_2", "", ""]),
            "kind": st.one_of(kinds, st.sampled_from(["memo", ""])),
            "amount_minor": amounts,
            "currency": currencies,
            "fee_minor": fees,
            "occurred_at": days,
            "file": st.sampled_from(["one", "two"]),
        }
    ),
    max_size=10,
)
periods = st.sampled_from([None, (3 * DAY, 8 * DAY)])
FILES = {
    name: InputFile(f"{name}.csv", digest * 64, 1, "any", 1, 0, ())
    for name, digest in (("one", "b"), ("two", "a"), ("third", "c"))
}


def stretches(rows: list[Row], width: int) -> Iterator[dict[str, list[Any]]]:
    """Rows as the database gives them: columns, some rows at a time."""
    for start in range(0, len(rows), width):
        part = rows[start : start + width]
        yield {name: [row[name] for row in part] for name in part[0]}


def held(mine: list[Row], other: list[Row], named: list[str], step: int = 1) -> Held:
    """What the books would hold, backwards by a step of -1; every row has an id and a line of its
    own."""
    left = [{"transaction_id": f"tx_{n}", **row} for n, row in enumerate(mine)]
    fixed = {"bank_reference": ""}
    right = [
        {**row, **fixed, "category": row["kind"] or "moonbeam", "line": n, "description": f"no {n}",
         "net_minor": row["amount_minor"] - row["fee_minor"]}
        for n, row in enumerate(other)
    ]  # fmt: skip
    return Held(stretches(left[::step], 3), stretches(right[::step], 3), FILES, named=named)


def told(sides: Sides, rules: Rules, names: set[str]) -> dict[str, Any]:
    """Everything that a run keeps of its sides."""
    found = sides.compare(rules, names)
    inside = Inside.of(sides.their_parts(), (3 * DAY, 8 * DAY))
    with tempfile.NamedTemporaryFile() as place:
        place.write(b"".join(frame_blocks(sides.our_parts())))
        place.flush()
        snapshot = expected_of_stretches(stretches_of(Path(place.name)))
    return {
        "totals": found.totals,
        "matches": found.matches,
        "counts": found.break_counts,
        "breaks": list(found.iter_breaks()),
        "files": sides.files,
        "payouts": prove_payouts(sides.their_parts),
        "inside": inside,
        "rules": found.rules,
        "ours": digest_expected(sides.our_parts(), 2 * DAY),
        "theirs": digest_reported(sides.their_parts()),
        "kept": sorted(map(str, snapshot.astype(object).to_dict("records"))),
    }


def both(
    mine: list[Row], other: list[Row], rules: Rules, buckets: int, names: set[str]
) -> Iterator[tuple[Sides, dict[str, Any]]]:
    """The sides in memory, and backwards in buckets, with what they say."""
    for in_memory in (100, 0):
        with tempfile.TemporaryDirectory() as folder:
            rows = 50 if in_memory else buckets * 1_000_000
            books = held(mine, other, ["third"], 1 if in_memory else -1)
            sides = gather(books, rows, in_memory, Path(folder))
            yield sides, told(sides, rules, names)


def shop(seed: int) -> tuple[list[Row], list[Row]]:
    """Both sides of movements that mostly agree, under line ids or under what moved; some rows are
    left out, doubled, or say something else."""
    dice = Random(seed)
    named = dice.choice(["t", "c", "c", "?"])
    mine, other = list[Row](), list[Row]()
    for n in range(dice.randint(1, 12)):
        money = {
            "kind": dice.choice(["charge", "charge", "refund", "payout"]),
            "amount_minor": dice.choice([-40, 40, 60]),
            "currency": dice.choice(["USD", "EUR"]),
            "fee_minor": dice.choice([0, 0, 3]),
            "occurred_at": dice.randrange(12) * DAY,
        }
        prefix = dice.choice("tc") if named == "?" else named
        pay, parent = f"pay_{dice.randrange(4)}", dice.choice(["", f"c_{n - 1}"])
        left: Row = {"provider_reference": f"{prefix}_{n}", "payment_id": pay,
                     "status": "succeeded", **money}  # fmt: skip
        right: Row = {"reference": f"t_{n}", "source": f"c_{n}", "parent": parent, "payout": "",
                      "ours": dice.choice(["", pay]), "file": "one", **money}  # fmt: skip
        spoilt = dice.randrange(14)
        if spoilt == 0:
            right |= {"amount_minor": 41}
        elif spoilt == 1:
            right |= {"source": f"c_{dice.randrange(12)}"}
        elif spoilt == 2:
            right |= {"reference": f"c_{dice.randrange(12)}"}
        elif spoilt == 3:
            left |= {"provider_reference": dice.choice(["", "c_0", "t_0"])}
        elif spoilt == 4:
            right |= {"kind": dice.choice(["memo", "", "fee"])}
        mine += [left] * dice.choice([1] * 8 + [0, 2])
        other += [right] * dice.choice([1] * 8 + [0, 2])
        if dice.randrange(8) == 0:
            other.append(right | {"reference": f"t_{n}9"})
    return mine, other


@settings(deadline=None, max_examples=20)
@given(ours, theirs, periods, st.integers(2, 5), st.integers(0, 1 << 20))
@example([], [], None, 2, 0)
def test_buckets_say_what_memory_says(
    mine: list[Row],
    other: list[Row],
    period: tuple[int, int] | None,
    buckets: int,
    still_open: int,
) -> None:
    """Whatever rows meet under whatever ids, with breaks of earlier runs still open too."""
    first = next(both(mine, other, Rules(scope="a/b/test"), 2, set()))[1]["breaks"]
    carried = frozenset(item.break_id for n, item in enumerate(first) if still_open >> n & 1)
    rules = Rules(period=period, scope="a/b/test", carried=carried)
    (_, memory), (_, piles) = both(mine, other, rules, buckets, set())

    assert piles == memory


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1 << 32), periods, st.integers(2, 5))
def test_most_rows_agree(seed: int, period: tuple[int, int] | None, buckets: int) -> None:
    """The same where most pairs are settled within their buckets."""
    rules = Rules(period=period, scope="a/b/test")
    (_, memory), (_, piles) = both(*shop(seed), rules, buckets, set())

    assert piles == memory


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1 << 32), periods, st.sampled_from(["tx_0", "t_1", "c_1", "c_2", "pay_1"]))
def test_rows_that_are_asked_for_are_there(
    seed: int, period: tuple[int, int] | None, name: str
) -> None:
    """A name's rows can be explained, and are evidence, whether they agree or not."""
    mine, other = shop(seed)
    rules = Rules(period=period, scope="a/b/test")
    seen = []
    for sides, _ in both(mine, other, rules, 3, {name}):
        found = sides.compare(rules, {name})
        gone = BreakRecord(
            "brk_x", "a", "b", "test", Bucket.AMOUNT_MISMATCH, name, "USD",
            name if name.startswith("tx_") else "", "", BreakState.OPEN, Closing.NONE, {},
            from_micros(0), "run_1", "run_1", from_micros(0), from_micros(0),
        )  # fmt: skip
        plain = [(c.subject, c.side, c.bucket, c.decided_by, c.compared)
                 for c in certificates(found, name)]  # fmt: skip
        seen.append((sorted(plain), evidence_for([gone], found, (), ())))

    assert seen[0] == seen[1]


def line(reference: str, source: str, **more: Any) -> Row:
    """A reported row of 40 dollars."""
    return {"reference": reference, "source": source, "parent": "", "ours": "", "payout": "",
            "kind": "charge", "file": "one", "amount_minor": 40, "currency": "USD",
            "fee_minor": 0, "occurred_at": 5 * DAY, **more}  # fmt: skip


def booked(reference: str, **more: Any) -> Row:
    """A row of ours of 40 dollars."""
    return {"provider_reference": reference, "payment_id": "", "status": "succeeded",
            "kind": "charge", "amount_minor": 40, "currency": "USD", "fee_minor": 0,
            "occurred_at": 5 * DAY, **more}  # fmt: skip


PLAIN = [line(f"t_{n}", f"c_{n}") for n in range(20)]
LINES, SOURCES = ([booked(f"{sort}_{n}") for n in range(20)] for sort in "tc")
CASES: dict[str, tuple[list[Row], list[Row], dict[str, int]]] = {
    "a line under its own id repeats a settled pair's money": (
        LINES, [*PLAIN, line("t_99", "c_7")], {"duplicate_at_provider": 1},
    ),
    "a refund belongs to a settled charge": (
        LINES, [*PLAIN, line("t_99", "r_9", kind="refund", parent="c_3")], {"missing_in_ledger": 1},
    ),
    "a refund belongs to nothing": (
        LINES, [*PLAIN, line("t_99", "r_9", kind="refund", parent="c_x")],
        {"refund_without_charge": 1},
    ),
    "what we name is a line's id elsewhere": (
        SOURCES, [*PLAIN, *(line(f"c_{n}", f"x_{n}") for n in range(9))], {"missing_in_ledger": 9},
    ),
    "the only payout agrees, and ours are more": (
        [*LINES, booked("t_p", kind="payout"), booked("t_q", kind="payout")],
        [*PLAIN, line("t_p", "", kind="payout")], {"missing_at_provider": 1},
    ),
    "half of a pair lies outside the period": (
        [*LINES, booked("t_a", occurred_at=3 * DAY - 1)], [*PLAIN, line("t_a", "c_a")], {},
    ),
    "a lonely line is named as settled pairs are": (
        SOURCES, [*PLAIN, line("t_99", "c_99")], {"missing_in_ledger": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mine", "other", "breaks"), CASES.values(), ids=CASES)
def test_what_is_settled_is_not_forgotten(
    mine: list[Row], other: list[Row], breaks: dict[str, int]
) -> None:
    """Rows that a bucket has settled still count for what others are."""
    rules = Rules(period=(3 * DAY, 8 * DAY), scope="a/b/test")
    (_, memory), (_, piles) = both(mine, other, rules, 5, set())

    assert dict(memory["counts"]) == breaks
    assert piles == memory


def test_a_settled_pair_can_be_asked_for() -> None:
    """Its rows are there, and say what they agreed by."""
    rules = Rules(period=(3 * DAY, 8 * DAY), scope="a/b/test")
    for sides, _ in both(LINES, [*PLAIN, line("t_m", "c_m", kind="memo")], rules, 5, set()):
        told = [
            certificate.bucket
            for name in ("t_4", "c_5", "tx_6", "t_m")
            for certificate in certificates(sides.compare(rules, {name}), name)
        ]
        assert told == ["matched", "matched", "matched", "matched", "not_money"]


@pytest.mark.parametrize("by", ["reference", "source"])
def test_few_rows_are_left_over(tmp_path: Path, by: str) -> None:
    """Pairs that agree are settled within their buckets, whichever id our ledger names."""
    shared = {"amount_minor": 40, "currency": "USD", "fee_minor": 0, "occurred_at": DAY}
    mine = [
        {"provider_reference": f"{by[0]}_{n}", "payment_id": "", "kind": "charge",
         "status": "succeeded", **shared} for n in range(100)
    ]  # fmt: skip
    other = [
        {"reference": f"r_{n}", "source": f"s_{n}", "parent": "", "ours": "", "payout": "",
         "kind": "charge", "file": "one", **shared} for n in range(99)
    ]  # fmt: skip
    sides = gather(held(mine, other, []), 199, 0, tmp_path)
    found = sides.compare(Rules(scope="x"))

    assert dict(found.break_counts) == {"missing_at_provider": 1}
    assert len(found.expected.frame) == 1
    assert sum(len(part) for part in sides.our_parts()) == 100


def test_words_that_hold_a_separator_are_other_words() -> None:
    """A digest tells cells apart whatever stands in them."""
    row = {"kind": "charge", "provider_reference": "", "amount_minor": 1, "currency": "USD",
           "fee_minor": 0, "status": "succeeded", "occurred_at": 0}  # fmt: skip
    texts = [("a\x1fb", "c"), ("a", "b\x1fc")]
    frames = [
        expected_frame(
            {name: [value] for name, value in row.items()}
            | {"transaction_id": [first], "payment_id": [second]}
        )
        for first, second in texts
    ]

    assert len({digest_expected([frame]) for frame in frames}) == 2
    assert digest_expected(frames, 0) == digest_expected(frames)
    assert digest_expected(frames, 1) == digest_expected([])
