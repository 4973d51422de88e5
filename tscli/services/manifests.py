"""The manifest of a folder of reports: what every file was when it was written, and what the books
were it was written from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.migrate import HEAD
from domain.errors import InvalidRequest
from tscli import __version__

if TYPE_CHECKING:
    from tscli.services.context import Context

NAME = "manifest.json"
SCHEMA = "tscli/day.manifest/1"
_BYTES_MAX = 16 << 20


@dataclass(frozen=True, slots=True)
class Change:
    """One file that is not what its manifest says."""

    file: str
    what: str
    """`changed`, `missing` or `added`."""


def manifest(context: "Context", about: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The manifest of files by name: the same files and books give the same bytes."""
    with context.database.read() as books:
        heads, seal = books.audit.heads(), books.audit_seals.newest()
    document = {
        "schema": SCHEMA,
        **about,
        "versions": {"tscli": __version__, "schema": HEAD},
        "files": [
            {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(files.items())
        ],
        "audit": {
            "heads": [{"chain": h.chain, "seq": h.seq, "hash": h.hash} for h in heads],
            "seal": {"number": seal.number, "hash": seal.hash} if seal else None,
        },
    }
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def verify(folder: Path) -> tuple[dict[str, Any], list[Change]]:
    """A folder's manifest, and what has changed since it was written.

    Raises:
        InvalidRequest: there is no manifest, or none that can be read.
    """
    document = read(folder)
    told = {str(one["name"]): str(one["sha256"]) for one in document["files"]}
    there = {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != NAME and not path.name.startswith(".")
    }
    changes = [
        Change(name, "missing" if name not in there else "changed")
        for name, digest in sorted(told.items())
        if name not in there or _digest(there[name]) != digest
    ]
    return document, changes + [Change(n, "added") for n in there if n not in told]


def read(folder: Path) -> dict[str, Any]:
    """A folder's manifest.

    Raises:
        InvalidRequest: there is none, or none that can be read.
    """
    try:
        with (folder / NAME).open("rb") as stream:
            document = json.loads(stream.read(_BYTES_MAX))
        names: Sequence[str] = [one["name"] + one["sha256"] for one in document["files"]]
    except OSError as error:
        raise InvalidRequest(
            f"{folder} has no {NAME} that can be read: {error.strerror}.",
            hint="Name a folder that `tscli day run` has written.",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InvalidRequest(f"{folder / NAME} is no manifest.") from None
    if document.get("schema") != SCHEMA or len(set(names)) != len(names):
        raise InvalidRequest(f"{folder / NAME} is no manifest of ours.")
    return dict(document)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
