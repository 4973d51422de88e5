"""Fifty processes issue one refund at the same moment: one effect, and a clear answer for each."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.tscli.worlds import moved

ROOT = Path(__file__).parents[2]
PROCESSES = 50

FORKED = """
import contextlib, io, json, os, sys, traceback
folder, processes, *words = sys.argv[1:]
import tscli.main, tscli.app, tscli.settings, tscli.services.payments, tscli.services.lookups
import providers.registry, providers.guard, providers.stripe.provider, providers.sandbox.world
import providers.sandbox.stripe_face, db.database, db.migrate, httpx2, tscli.render.payments
exec(os.environ["BEFORE"])
ready, go = os.pipe()
children = []
for number in range(int(processes)):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)
        out, err, code = io.StringIO(), io.StringIO(), 70
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                tscli.main.app([w.replace("NUMBER", str(number)) for w in words])
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                traceback.print_exc()
        with open(f"{folder}/{number}.json", "w") as file:
            json.dump({"code": code, "out": out.getvalue(), "err": err.getvalue()}, file)
        os._exit(0)
    children.append(child)
os.close(ready)
os.close(go)
for child in children:
    os.waitpid(child, 0)
"""

UNCLAIMED = """
from tscli.services.idempotency import IdempotencyService as service
service._claim, service._is_ours = lambda *_: None, lambda *_: True
"""


@pytest.mark.parametrize(
    ("key", "before"), [("one", ""), ("each-NUMBER", ""), ("one", UNCLAIMED)],
    ids=["one", "each", "unclaimed"],
)  # fmt: skip
def test_fifty_refunds_at_once_are_one(cli: Cli, tmp_path: Path, key: str, before: str) -> None:
    """Proves with one key, with a key each, and with claims switched off, that one refund comes of
    fifty commands, and that every other one is told what happened or what is left, without a
    trace."""
    create = ("payments", "create", "--amount", "10.00", "--currency", "USD", "--yes")
    pay = cli(*create, "--method", "pm_card_visa", "--format", "json").data["id"]
    words = ("payments", "refund", pay, "--amount", "6.00", "--yes", "--format", "json")
    folder = tmp_path / "answers"
    folder.mkdir()
    run = [sys.executable, "-c", FORKED, str(folder), str(PROCESSES), *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", "BEFORE": before}
    subprocess.run([*run, "--idempotency-key", key], env=env, check=True, timeout=120)
    answers = [json.loads(f.read_text()) for f in folder.iterdir()]
    assert len(answers) == PROCESSES
    assert not any("Traceback" in a["err"] or "internal error" in a["err"] for a in answers)
    codes = Counter(a["code"] for a in answers)
    assert codes[0] >= 1
    # Without claims all fifty write at once. Who waits too long for the books between its request
    # and its answer does not know what became of it, and says so.
    unsure = [a["err"] for a in answers if a["code"] == 6 and before]
    assert all("is not written down yet" in said for said in unsure)
    if key == "one":
        assert set(codes) - ({6} if unsure else set()) <= {0, 5}, codes
        done = [json.loads(a["out"])["data"] for a in answers if a["code"] == 0]
        assert len({d["operation"]["id"] for d in done}) == 1
    else:
        assert codes == {0: 1, 2: PROCESSES - 1}, codes
        told = [a["err"] for a in answers if a["code"] == 2]
        assert all("is more than can be refunded" in t for t in told)
    assert moved("refund") == [-600]
    refunded = cli("payments", "show", pay, "--format", "json").data["refunded"]
    assert refunded["value"] == "6.00"
    assert cli("audit", "verify").exit_code == 0
    assert cli("doctor").exit_code == 0
