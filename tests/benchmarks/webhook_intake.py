"""Deliveries a second of `tscli serve` beside a bare endpoint that does one durable INSERT each.

Run `python -m tests.benchmarks.webhook_intake [--deliveries 3000] [--rounds 3]`. Both servers run
in a process of their own on the same database, in turn, under the same bounded load of signed,
distinct events over loopback; ours verifies and applies them as well.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SECRET = "whsec_benchmark_and_nothing_else"
CONNECTIONS = 32
PATH = "/api/v1/webhooks/stripe"


def deliveries(count: int, name: str) -> list[bytes]:
    """Whole requests, each with an event of its own, signed now."""
    made = []
    now = int(time.time())
    for number in range(count):
        about = {"id": f"cus_{name}{number}", "object": "customer", "livemode": False}
        body = json.dumps(
            {
                "id": f"evt_{name}{number:08}", "object": "event", "type": "customer.updated",
                "created": now, "livemode": False, "account": None, "data": {"object": about},
                "note": "x" * 1_500,
            }
        ).encode()  # fmt: skip
        mac = hmac.new(SECRET.encode(), str(now).encode() + b"." + body, hashlib.sha256)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\n"
            f"Stripe-Signature: t={now},v1={mac.hexdigest()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def load(port: int, requests: Sequence[bytes]) -> tuple[float, list[float]]:
    """Send them all over a bounded number of connections: (seconds, seconds of each answer)."""
    waiting, took = list(requests)[::-1], list[float]()

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            request = waiting.pop()
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(time.perf_counter() - started)
            assert head.startswith(b"HTTP/1.1 200"), head
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
    return time.perf_counter() - started, took


@contextmanager
def serving(command: Sequence[str], env: dict[str, str], port: int) -> Iterator[None]:
    """A server in a process of its own, until it answers; ended with the block."""
    server = subprocess.Popen([sys.executable, *command], env=env, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def compare(url: str, folder: Path, count: int, rounds: int, kind: str) -> str:
    """Both servers in turn on one database; the figures as text."""
    base = {k: v for k, v in os.environ.items() if not k.startswith(("TSCLI_", "PYTHON"))}
    base |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder / "pyc")}
    base |= {f"XDG_{n}_HOME": str(folder / n) for n in ("DATA", "CONFIG", "STATE", "CACHE")}
    bare_url = f"sqlite:///{folder / 'bare.db'}" if kind == "sqlite" else url
    ours = base | {"TSCLI_DATABASE_URL": url, "TSCLI_STRIPE__WEBHOOK_SECRETS": SECRET}
    contenders = {
        "bare": (["-m", "tests.benchmarks.bare_endpoint"], base | {"BARE_URL": bare_url}),
        "tscli serve": (["-m", "tscli", "serve", "--port"], ours),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    slow: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, (command, env) in contenders.items():
            port = free_port()
            with serving([*command, str(port)], env, port):
                requests = deliveries(count, f"{turn}{name[0]}")
                seconds, took = asyncio.run(load(port, requests))
            if turn:
                rates[name].append(count / seconds)
                slow[name].append(statistics.quantiles(took, n=100)[98])
    bare, mine = (statistics.median(rates[n]) for n in contenders)
    p99 = {n: statistics.median(v) * 1000 for n, v in slow.items()}
    return (
        f"{kind:11} bare {bare:7.0f}/s  tscli serve {mine:7.0f}/s  ratio {mine / bare:4.2f}"
        f"  p99 {p99['bare']:4.0f} ms and {p99['tscli serve']:4.0f} ms"
    )


def main() -> int:
    """Print one line per database."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--deliveries", type=int, default=3_000)
    words.add_argument("--rounds", type=int, default=3)
    chosen = words.parse_args()
    from db.database import Database
    from domain.clock import SystemClock
    from domain.ids import Ids
    from tests.servers.postgres import PostgresServer

    print(f"{chosen.deliveries:,} signed deliveries over {CONNECTIONS} connections, each distinct")
    with tempfile.TemporaryDirectory(prefix="webhook-intake-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'books.db'}"
        print(compare(url, folder, chosen.deliveries, chosen.rounds, "sqlite"), flush=True)
        with PostgresServer() as server:
            url = server.create_database()
            database = Database(url, SystemClock(), Ids(SystemClock()))
            database.upgrade()
            database.close()
            print(compare(url, folder, chosen.deliveries, chosen.rounds, "postgresql"), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
