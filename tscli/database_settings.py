"""The `[postgresql]` table of the settings: how long the books are waited for.

What keeps money safe is not settable: commits are waited for, and only a primary is spoken to.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from db.postgresql import Limits


class PostgreSQLSection(BaseModel):
    """Limits of the connections to a PostgreSQL server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_seconds: int = Field(default=10, ge=2, le=300)
    """Longest wait for a connection."""
    lock_seconds: int = Field(default=10, ge=1, le=300)
    """Longest wait for rows that another command holds."""
    statement_seconds: int = Field(default=120, ge=1, le=86_400)
    """Longest time one statement may take; large imports and reports need minutes."""
    idle_seconds: int = Field(default=60, ge=5, le=3_600)
    """After so long in the middle of a transaction without a statement the server ends it."""
    pool_size: int = Field(default=5, ge=1, le=100)
    """Connections that `serve` keeps open; a command has one."""
    pool_extra: int = Field(default=10, ge=0, le=100)
    """Connections more that it may open for a while."""
    pool_seconds: int = Field(default=10, ge=1, le=300)
    """Longest wait for one of them."""

    @property
    def limits(self) -> "Limits":
        """The same as the database takes it."""
        from db.postgresql import Limits

        return Limits(**self.model_dump())
