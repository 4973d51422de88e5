"""A small slice of the benchmark: its workers do what they say, on both databases; nothing is
timed."""

from pathlib import Path

from tests.benchmarks.import_rows import databases
from tests.benchmarks.throughput import (
    _commits,
    _payments,
    commits_of_a_payment,
    list_and_lease,
    prepare,
    stick,
    timed,
)
from tests.db.attacks import shell


def test_workers_make_payments_and_bare_commits(tmp_path: Path) -> None:
    """Two processes make two payments each beside the first ones, and their commits."""
    with databases(tmp_path) as urls:
        for url in urls.values():
            prepare(url)
            needed = commits_of_a_payment(url)
            assert needed >= 3
            assert timed(_payments, url, 2, 2) > 0
            assert timed(_commits, url, 2, 2 * needed) > 0
            with shell(url) as books:
                assert books.one("SELECT count(*) FROM payments WHERE state = 'succeeded'") == 8
                assert books.one("SELECT count(*) FROM bare") == 2 * 2 * needed
            stick(url, 50)
            count, seconds, bare = list_and_lease(url)
            assert (count, seconds > 0, bare > 0) == (50, True, True)
