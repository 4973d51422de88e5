"""The audit chain: whatever is done to it afterwards, the first broken record is named."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import (
    GENESIS,
    Actor,
    AuditRecord,
    as_json,
    canonical,
    digest,
    first_flaw,
    seal,
)
from tests.domain.samples import START

ACTOR = Actor("tess", "payments refund", "host", "asked for it")


def chain(length: int, number: int = 0) -> list[AuditRecord]:
    """A sound chain of that many records."""
    records: list[AuditRecord] = []
    for seq in range(1, length + 1):
        record = AuditRecord(
            chain=number,
            seq=seq,
            audit_id=f"aud_{number}_{seq}",
            recorded_at=START + timedelta(seconds=seq),
            actor=ACTOR,
            action="payment.captured",
            subject=f"pay_{seq}",
            before="null",
            after=as_json({"amount_minor": seq}),
            ledger_digest="",
            previous=records[-1].hash if records else GENESIS,
            hash="",
        )
        records.append(replace(record, hash=seal(record)))
    return records


EDITS = {
    "audit_id": "aud_x",
    "recorded_at": START,
    "actor": replace(ACTOR, operator="mallory"),
    "action": "payment.refunded",
    "subject": "pay_x",
    "before": "{}",
    "after": as_json({"amount_minor": 0}),
    "ledger_digest": "0" * 64,
    "hash": "f" * 64,
}

_lengths = st.integers(1, 12)


@given(_lengths)
def test_a_sound_chain_has_no_flaw(length: int) -> None:
    """Proves that what was sealed in order is accepted, also as several chains and as none."""
    assert first_flaw(chain(length)) is None
    assert first_flaw([*chain(length), *chain(length, 1)]) is None
    assert first_flaw([]) is None


@given(_lengths, st.data())
def test_an_edit_is_located(length: int, data: st.DataObject) -> None:
    """Proves that a change of any field of any record is found at that record."""
    records = chain(length)
    at = data.draw(st.integers(0, length - 1))
    field = data.draw(st.sampled_from(sorted(EDITS)))
    records[at] = replace(records[at], **{field: EDITS[field]})
    flaw = first_flaw(records)
    assert flaw is not None
    assert (flaw.chain, flaw.seq) == (0, at + 1)
    assert flaw.audit_id == records[at].audit_id


@given(_lengths, st.data())
def test_an_edit_with_its_own_new_seal_is_located(length: int, data: st.DataObject) -> None:
    """Proves that resealing an edited record breaks the link of the one after it."""
    records = chain(length + 1)
    at = data.draw(st.integers(0, length - 1))
    forged = replace(records[at], subject="pay_x")
    records[at] = replace(forged, hash=seal(forged))
    flaw = first_flaw(records)
    assert flaw is not None
    assert flaw.seq == at + 2
    assert flaw.reason == "it does not follow the one before"


@given(_lengths, st.data())
def test_a_deletion_is_located(length: int, data: st.DataObject) -> None:
    """Proves that one or more records cut out of the middle or the beginning are missed."""
    records = chain(length + 1)
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    flaw = first_flaw(records[:start] + records[end:])
    assert flaw is not None
    assert flaw.seq == start + 1
    assert flaw.reason == f"record {start + 1} is missing"


@given(_lengths, st.data())
def test_an_insertion_is_located(length: int, data: st.DataObject) -> None:
    """Proves that a forged record between two others, well sealed even, does not fit in."""
    records = chain(length)
    at = data.draw(st.integers(0, length - 1))
    forged = replace(
        records[at], audit_id="aud_x", previous=records[at - 1].hash if at else GENESIS
    )
    records.insert(at, replace(forged, hash=seal(forged)))
    flaw = first_flaw(records)
    assert flaw is not None
    assert flaw.seq in (at + 1, at + 2)


@given(st.integers(2, 12), st.data())
def test_a_swap_is_located(length: int, data: st.DataObject) -> None:
    """Proves that two records which changed places are found at the first of the places."""
    records = chain(length)
    one = data.draw(st.integers(0, length - 2))
    other = data.draw(st.integers(one + 1, length - 1))
    records[one], records[other] = records[other], records[one]
    flaw = first_flaw(records)
    assert flaw is not None
    assert flaw.seq == one + 1


@given(st.integers(2, 12), st.data())
def test_renumbering_hides_no_deletion(length: int, data: st.DataObject) -> None:
    """Proves that closing the gap by new numbers is found, because numbers are sealed too."""
    records = chain(length)
    at = data.draw(st.integers(0, length - 2))
    kept = records[:at] + records[at + 1 :]
    flaw = first_flaw([replace(r, seq=n) for n, r in enumerate(kept, start=1)])
    assert flaw is not None
    assert flaw.seq == at + 1


def test_a_flaw_in_the_second_chain_is_found() -> None:
    """Proves that each chain begins anew, and that the chain's number is sealed."""
    first, second = chain(3), chain(3, 1)
    second[1] = replace(second[1], subject="pay_x")
    flaw = first_flaw([*first, *second])
    assert flaw is not None
    assert (flaw.chain, flaw.seq) == (1, 2)
    assert first_flaw([replace(r, chain=7) for r in first]) is not None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab\"\\:,{}'", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def typed(value: object) -> str:
    """A value with its types, so that 1 and True differ."""
    if isinstance(value, dict):
        return f"{{{sorted((k, typed(v)) for k, v in value.items())}}}"
    return f"[{[typed(v) for v in value]}]" if isinstance(value, list) else repr(value)


@given(_json, _json)
def test_canonical_bytes_are_unambiguous(one: object, other: object) -> None:
    """Proves that equal values have equal bytes, different ones different bytes, and no more."""
    assert (canonical(one) == canonical(other)) == (typed(one) == typed(other))
    assert json.loads(canonical(one)) == one


def test_canonical_bytes_know_no_order_of_keys() -> None:
    """Proves that the order in which a mapping was built is not in the bytes."""
    assert canonical({"b": 1, "a": [2, {"d": 3, "c": 4}]}) == b'{"a":[2,{"c":4,"d":3}],"b":1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": float("-inf")}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """Proves that no value without a byte form is ever sealed."""
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


def test_words_cannot_move_between_fields() -> None:
    """Proves that the same text split differently over two fields has another seal."""
    record = chain(1)[0]
    one = replace(record, actor=Actor("tess", "payments", "", ""))
    other = replace(record, actor=Actor("tes", "spayments", "", ""))
    assert seal(one) != seal(other)
    assert seal(record) == digest(canonical(json.loads(canonical(_sealed(record)))))


def _sealed(record: AuditRecord) -> dict[str, object]:
    return {
        "chain": 0,
        "seq": 1,
        "audit_id": "aud_0_1",
        "recorded_at": "2026-03-02T09:00:01Z",
        "operator": "tess",
        "command": "payments refund",
        "host": "host",
        "reason": "asked for it",
        "action": "payment.captured",
        "subject": "pay_1",
        "before": "null",
        "after": record.after,
        "ledger_digest": "",
        "previous": GENESIS,
    }
