"""The few places where the two databases need different words for the same rule."""

from collections.abc import Iterable

from alembic import op
from sqlalchemy import text


def is_sqlite() -> bool:
    """Whether the migration runs on SQLite."""
    return op.get_bind().dialect.name == "sqlite"


def create_table(name: str, body: str) -> None:
    """Create a table; SQLite gets a STRICT one, so that no column keeps what is not its type."""
    op.execute(f"CREATE TABLE {name} ({_typed(body)}){' STRICT' if is_sqlite() else ''}")


def add_column(table: str, column: str) -> None:
    """Add a column to a table that has rows already."""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {_typed(column)}")


def _typed(body: str) -> str:
    integer, data = ("INTEGER", "BLOB") if is_sqlite() else ("BIGINT", "BYTEA")
    return body.replace("{integer}", integer).replace("{bytes}", data)


def refuse(table: str, events: Iterable[str], message: str, columns: Iterable[str] = ()) -> None:
    """Make the database itself refuse `events` (UPDATE, DELETE) on the rows of a table.

    With `columns`, an UPDATE is refused only when it changes one of them.
    """
    for event in events:
        watched = sorted(columns) if event == "UPDATE" else []
        name = f"{table}_refuse_{event.lower()}{'_of_money' if watched else ''}"
        _trigger(name, table, event, message, watched)


def _trigger(name: str, table: str, event: str, message: str, watched: list[str]) -> None:
    if is_sqlite():
        changed = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in watched)
        when = f"WHEN {changed} " if watched else ""
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} {when}"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in watched)
    when = f"WHEN ({changed}) " if watched else ""
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {when}"
        f"EXECUTE FUNCTION tscli_refuse('{message}')"
    )


def refuse_update_when(name: str, table: str, condition: str, message: str) -> None:
    """Make the database refuse an UPDATE of a row for which a condition on OLD and NEW holds."""
    if is_sqlite():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    op.execute(
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition})"
        f" EXECUTE FUNCTION tscli_refuse('{message}')"
    )


def refuse_insert_if(name: str, table: str, found: str, message: str) -> None:
    """Make the database refuse an INSERT of a row for which a query over other tables finds one.

    Tables stand in the query as `{schema}NAME`: PostgreSQL takes a temporary table of that name,
    which anybody may make, for the one that is meant unless it is told where that one is. Indexes
    are always taken: a plan that was made while the tables were small is kept while they grow.
    """
    if is_sqlite():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table}"
            f" WHEN EXISTS ({found.format(schema='')})"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    schema = op.get_bind().execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off"
        " AS $$ BEGIN"
        f" IF EXISTS ({found.format(schema=f'{schema}.')}) THEN"
        f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def refuse_replace(
    table: str, keys: Iterable[str], message: str, events: Iterable[str] = ("INSERT",)
) -> None:
    """Refuse OR REPLACE, which deletes the row in its way and fires no trigger (SQLite only).

    `keys` are the table's unique sets of columns, each with a condition where its index is partial:
    `"a, b"` or `"a, b WHERE kept.c IS NOT NULL"`; `kept` is the row in the way.
    """
    if not is_sqlite():
        return
    taken = " OR ".join(_taken(*key.partition(" WHERE ")) for key in ("rowid", *keys))
    for event in events:
        other = "kept.rowid <> OLD.rowid AND " if event == "UPDATE" else ""
        name = f"{table}_refuse_replace_{event.lower()}"
        in_the_way = f"SELECT 1 FROM {table} AS kept WHERE {other}({taken})"  # noqa: S608
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN EXISTS ({in_the_way})"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )


def _taken(columns: str, _: str, condition: str) -> str:
    same = " AND ".join(f"kept.{c} = NEW.{c}" for c in columns.split(", "))
    return f"({same}{f' AND {condition}' if condition else ''})"


def prepare() -> None:
    """Create what triggers need before the first of them."""
    if not is_sqlite():
        op.execute(
            "CREATE FUNCTION tscli_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation'; END $$"
        )


def refuse_truncate(table: str, message: str) -> None:
    """Refuse emptying a table at once, which row triggers do not see (PostgreSQL only)."""
    if not is_sqlite():
        op.execute(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION tscli_refuse('{message}')"
        )


def index(name: str, table: str, columns: str, where: str = "", *, unique: bool = False) -> None:
    """Create an index, partial when `where` is given."""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    op.execute(f"CREATE {kind} {name} ON {table} ({columns}){f' WHERE {where}' if where else ''}")
