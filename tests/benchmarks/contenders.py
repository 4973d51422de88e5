"""The three ways of comparing the same two files that are measured against each other.

Each is run in a process of its own (`python contenders.py NAME LEDGER EXPORT OUT`) and writes its
findings as CSV with at least the columns `kind` and `provider_reference`.
"""

import atexit
import resource
import sys
from collections.abc import Callable
from pathlib import Path

LEDGER_COLUMNS = ["provider_reference", "amount", "currency", "fee", "status"]
EXPORT_COLUMNS = ["balance_transaction_id", "gross", "currency", "fee"]

SQL = """
COPY (
  WITH ours AS (SELECT provider_reference, amount, currency, fee, status FROM read_csv(
         '{ledger}', types = {{'amount': 'DECIMAL(18,2)', 'fee': 'DECIMAL(18,2)'}})),
       theirs AS (SELECT balance_transaction_id, gross, upper(currency) AS currency, fee FROM
       read_csv(
         '{export}', types = {{'gross': 'DECIMAL(18,2)', 'fee': 'DECIMAL(18,2)'}})),
       joined AS (
         SELECT CASE
             WHEN balance_transaction_id IS NULL THEN
               CASE WHEN status = 'succeeded' THEN 'missing_at_provider' END
             WHEN provider_reference IS NULL THEN 'missing_in_ledger'
             WHEN status <> 'succeeded' THEN 'status_mismatch'
             WHEN ours.currency <> theirs.currency THEN 'currency_mismatch'
             WHEN amount <> gross THEN 'amount_mismatch'
             WHEN ours.fee <> theirs.fee THEN 'fee_mismatch' END AS kind,
           coalesce(provider_reference, balance_transaction_id) AS provider_reference,
           amount, gross, ours.fee AS our_fee, theirs.fee AS their_fee, status
         FROM ours FULL OUTER JOIN theirs ON provider_reference = balance_transaction_id)
  SELECT * FROM joined WHERE kind IS NOT NULL
  UNION ALL
  SELECT 'duplicate_at_provider', balance_transaction_id, NULL, NULL, NULL, NULL, NULL
  FROM theirs GROUP BY balance_transaction_id HAVING count(*) > 1
) TO '{out}' (HEADER)
"""


def ours(ledger: Path, export: Path, out: Path) -> None:
    """The command itself: read strictly, match, classify, prove totals, write every break."""
    from tscli.__main__ import run

    words = ["reconcile", "files", "--expected", ledger, "--reported", export, "--breaks", out]
    sys.argv = ["tscli", *map(str, words)]
    run()


def duckdb(ledger: Path, export: Path, out: Path) -> None:
    """A full outer join in SQL, trusting the files; repeated line ids by a second pass."""
    import duckdb as engine

    engine.connect().execute(SQL.format(ledger=ledger, export=export, out=out))


def datacompy(ledger: Path, export: Path, out: Path) -> None:
    """datacompy on polars, its result sorted into the same kinds."""
    import datacompy as library
    import polars as pl

    types = {"amount": pl.Decimal(18, 2), "fee": pl.Decimal(18, 2), "gross": pl.Decimal(18, 2)}
    left = pl.read_csv(ledger, columns=LEDGER_COLUMNS, schema_overrides=types)
    right = pl.read_csv(export, columns=EXPORT_COLUMNS, schema_overrides=types).select(
        pl.col("balance_transaction_id").alias("provider_reference"),
        pl.col("gross").alias("amount"),
        pl.col("currency").str.to_uppercase(),
        "fee",
        pl.lit("succeeded").alias("status"),
    )
    found = library.PolarsCompare(left, right, join_columns="provider_reference")
    theirs = found.df2_unq_rows.join(
        left.select("provider_reference"), on="provider_reference", how="semi"
    )
    missing = found.df2_unq_rows.join(
        left.select("provider_reference"), on="provider_reference", how="anti"
    )
    parts = [
        ("missing_at_provider", found.df1_unq_rows.filter(pl.col("status") == "succeeded")),
        ("missing_in_ledger", missing),
        ("duplicate_at_provider", theirs),
    ]
    rest = found.intersect_rows
    for field in ("status", "currency", "amount", "fee"):
        parts.append((f"{field}_mismatch", rest.filter(~pl.col(f"{field}_match"))))
        rest = rest.filter(pl.col(f"{field}_match"))
    tables = [
        table.select(pl.lit(kind).alias("kind"), "provider_reference") for kind, table in parts
    ]
    pl.concat(tables).write_csv(out)


CONTENDERS: dict[str, Callable[[Path, Path, Path], None]] = {
    "tscli": ours,
    "duckdb": duckdb,
    "datacompy": datacompy,
}


def peak_mb() -> int:
    """Most memory this process ever held, in MB.

    Linux counts it per program; elsewhere the figure includes what the process inherited.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    atexit.register(lambda: print(peak_mb()))
    CONTENDERS[sys.argv[1]](*map(Path, sys.argv[2:5]))
