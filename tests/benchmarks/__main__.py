"""`make benchmarks`: every measured figure of the README, one after the other."""

from tests.benchmarks import reconcile_files, webhook_intake

if __name__ == "__main__":
    raise SystemExit(reconcile_files.main() or webhook_intake.main())
