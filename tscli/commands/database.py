"""`tscli db`: the schema of the books, their backups, and who may do what with them."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import AlreadyExists
from domain.operator import Permission
from tscli.render.talk import FINDINGS, say
from tscli.render.view import Column, Format, View, show
from tscli.render.write import hand_over, whole_file, write_file
from tscli.words import DryRunOption, FormatOption, OutputOption, open_app

if TYPE_CHECKING:
    from tscli.services.doctor import Finding

commands = typer.Typer(help="The database behind the books.", no_args_is_help=True)

_COLUMNS = (Column("check", "check"), Column("result", "result"), Column("detail", "detail"))
BackupArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A file made by `tscli db backup`.")
]


@commands.command()
def upgrade(
    ctx: typer.Context,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Bring the schema up to date: all of it, or nothing."""
    app = open_app(ctx)
    context, database = app.context(), app.database
    context.operators.check(context.actor.operator, Permission.SWITCH)
    before = database.schema_status()
    after = before if dry_run else database.upgrade()
    shown = {
        "database": database.kind,
        "before": before.current,
        "schema": after.current,
        "needed": after.head,
        "dry_run": dry_run,
    }
    show(View("db.upgrade", shown), form, output)


@commands.command()
def status(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Show which schema the database has and which one this program needs."""
    database = open_app(ctx).database
    found = database.schema_status()
    shown = {
        "database": database.kind,
        "schema": found.current,
        "needed": found.head,
        "up_to_date": found.up_to_date,
    }
    show(View("db.status", shown), form, output)


@commands.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    force: Annotated[
        bool, typer.Option("--force", help="Take the place of an older file.")
    ] = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Copy one instant of the books into a file while everybody works, with a note beside it."""
    from tscli.services import backups

    context = open_app(ctx).context()
    if file.exists() and not force:
        raise AlreadyExists(f"{file} exists.", hint="Name another file, or add --force.")
    if dry_run:
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            made = backups.make_backup(context, Path(folder) / file.name)
    else:
        with whole_file(file) as temporary:
            made = backups.make_backup(context, temporary)
        note = json.dumps(backups.note_of(made), indent=2) + "\n"
        write_file(backups.note_place(file), note.encode())
        say(f"Wrote {file} and {backups.note_place(file).name}")
    show(View("db.backup", {**backups.note_of(made), "dry_run": dry_run}), form, output)


@commands.command()
def verify(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A backup; the books in use otherwise.")
    ] = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Prove the books, or a backup of them; exit 1 when anything is wrong."""
    from tscli.services import backups

    app = open_app(ctx)
    context = app.context()
    found = (
        list(backups.verify_backup(context, file))
        if file
        else list(backups.verify_books(context, app.settings.database_file))
    )
    show(View("db.verify", _rows(found), _COLUMNS), form, output)
    if not all(finding.ok for finding in found):
        raise typer.Exit(FINDINGS)


@commands.command()
def restore(
    ctx: typer.Context,
    file: BackupArgument,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Put a backup into the configured database, which must hold nothing.

    The backup is proven first. Afterwards the providers are only asked, and sent nothing new, until
    `tscli providers resume`: what they did since the backup is to be learned before.
    """
    from tscli.services import backups

    app = open_app(ctx)
    found = backups.restore_backup(app.context(), file, app.owners, dry_run=dry_run)
    show(View("db.restore", _rows(found), _COLUMNS), form, output)
    if not dry_run:
        say("Now run `tscli webhooks backfill`, `recover sweep` and `recover orphans`,")
        say("then `tscli providers resume NAME` for each provider.")


@commands.command()
def grants(
    role: Annotated[
        str, typer.Option("--role", help="The role that works with the books.")
    ] = "tscli_app",
    migrator: Annotated[
        str, typer.Option("--migrator", help="The role that owns and upgrades them.")
    ] = "tscli_owner",
) -> None:
    """Print SQL for PostgreSQL that takes from the program's role what it never needs: to change or
    delete ledger entries, audit records and files."""
    from tscli.services.backups import grants_sql

    hand_over(grants_sql(role, migrator).encode())


def _rows(found: "Iterable[Finding]") -> list[dict[str, object]]:
    return [
        {"check": f.check, "result": "ok" if f.ok else "broken", "detail": f.detail} for f in found
    ]
