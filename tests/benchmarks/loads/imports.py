"""Imports: export files taken in by the service behind `reconcile import`, a file per process.

The limit is the database's own load of the very rows that were kept, by as many processes.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from domain.provider import ProviderAccount
from tests.benchmarks import bulk_load
from tests.benchmarks.loads.load import Load, Share, Work, insist
from tests.benchmarks.loads.shops import shop_at
from tests.benchmarks.planted_world import build
from tests.db.attacks import shell
from tscli.app import all_formats
from tscli.services.intake import Words, preview, take_in

_SEEDS = itertools.count(1)


class BulkLoad(Load):
    """The same rows again, by COPY or one prepared statement, into a table with equal indexes."""

    name = "bulk load"

    def prepare(self, shares: Sequence[Share]) -> list[Share]:
        """See `Load.prepare`."""
        bulk_load.make_table(shares[0].url)
        for share in shares:
            bulk_load.write_rows(share.url, _rows(share), file_name=_export(share).name)
        return list(shares)

    def ready(self, share: Share) -> Work:
        """See `Load.ready`."""
        return bulk_load.loader(share.url, _rows(share))

    def done(self, url: str) -> int:
        """See `Load.done`."""
        return bulk_load.loaded(url)


class Imports(Load):
    """One file in each process; a unit is a row that was kept."""

    name = "imports"
    limit = BulkLoad()

    def prepare(self, shares: Sequence[Share]) -> list[Share]:
        """See `Load.prepare`. The files hold about as many rows as asked for, all of them new."""
        return [replace(share, count=_write(share)) for share in shares]

    def ready(self, share: Share) -> Work:
        """See `Load.ready`. The file is read once before, which loads what readers need."""
        shop, export = shop_at(share.url), _export(share)
        with shop.database.read():
            preview(all_formats(), export, Words(), None)

        def take() -> bool:
            return bool(take_in(shop.context, _owner, all_formats(), export, Words(), None).added)

        return lambda: insist(take)

    def done(self, url: str) -> int:
        """See `Load.done`."""
        with shell(url) as books:
            return int(books.one("SELECT count(*) FROM lines"))


def _owner(provider: str) -> ProviderAccount:
    return ProviderAccount(provider, "default", "test")


def _export(share: Share) -> Path:
    return share.folder / f"{share.folder.name}-{share.number}.csv"


def _rows(share: Share) -> Path:
    return _export(share).with_suffix(".rows")


def _write(share: Share) -> int:
    """Write the share's export; how many lines it has beside its header."""
    build(share.folder, share.count, seed=next(_SEEDS)).export.rename(_export(share))
    with _export(share).open() as lines:
        return sum(1 for _ in lines) - 1
