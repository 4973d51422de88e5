"""Two roles on PostgreSQL: one that owns the schema and upgrades it, one that works with the books
and can neither change nor delete what is permanent, whatever the program does.
"""

import re

from db import migrate
from db.schema import TABLES
from domain.errors import InvalidRequest

_DELETES = frozenset({"leases"})
"""Tables whose rows come and go."""
_VERSION = "alembic_version"
_FUNCTIONS = ("tscli_refuse", "postings_refuse_later")
"""What the triggers call."""
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def grants(application: str, migrator: str) -> str:
    """SQL to be run once by whoever may create roles, in the database of the books, after
    `tscli db upgrade`; running it again changes nothing.

    The application's role may read everything and insert; UPDATE and DELETE it has only on tables
    whose rows may change, so that no ledger entry, audit record or file can be altered with it.

    Raises:
        InvalidRequest: a name that is none for a role, or twice the same.
    """
    app, owner = _checked(application), _checked(migrator)
    if app == owner:
        raise InvalidRequest("The two roles must be two.")
    permanent = migrate.expected_triggers("postgresql")
    lines = [
        "BEGIN;",
        *map(_role, (owner, app)),
        f"GRANT USAGE, CREATE ON SCHEMA public TO {owner};",
        f"REVOKE ALL ON SCHEMA public FROM {app};",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
        f"GRANT USAGE ON SCHEMA public TO {app};",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app};",
        f"GRANT SELECT ON {_VERSION} TO {app};",
        f"ALTER TABLE {_VERSION} OWNER TO {owner};",
        *(f"ALTER FUNCTION {name}() OWNER TO {owner};" for name in _FUNCTIONS),
    ]
    for table in tables():
        words = ["SELECT", "INSERT"]
        words += [] if f"{table}_refuse_update" in permanent else ["UPDATE"]
        words += ["DELETE"] if table in _DELETES else []
        lines.append(f"ALTER TABLE {table} OWNER TO {owner};")
        lines.append(f"GRANT {', '.join(words)} ON {table} TO {app};")
    return "\n".join([*lines, "COMMIT;", ""])


def tables() -> list[str]:
    """Every table of the books, sorted."""
    return sorted(table.name for table in TABLES)


def _checked(name: str) -> str:
    """A name that needs no quotes, so that none can end them.

    Raises:
        InvalidRequest: it is another one.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} is no name for a role.", hint="Use a-z, 0-9 and underscores, a letter first."
        )
    return name


def _role(name: str) -> str:
    """A role is made where it is missing; it gets its password elsewhere."""
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN"
        f" CREATE ROLE {name} LOGIN; END IF; END $$;"
    )
