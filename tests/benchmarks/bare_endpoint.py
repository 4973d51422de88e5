"""The least an endpoint of the same framework can do: one durable INSERT per request."""

import os
import sqlite3
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def opened(url: str) -> Any:
    """A connection to the same kind of database, with the same durability."""
    if url.startswith("sqlite:"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE IF NOT EXISTS bare (body TEXT)")
        return connection
    import psycopg

    postgres = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)
    postgres.execute("CREATE TABLE IF NOT EXISTS bare (body TEXT)")
    return postgres


def main() -> None:
    """Serve at the port that is named, into the database that is named."""
    port, url = int(sys.argv[1]), os.environ["BARE_URL"]
    connection = opened(url)
    mark = "?" if url.startswith("sqlite:") else "%s"

    async def deliver(request: Request) -> JSONResponse:
        body = (await request.body()).decode()
        connection.execute(f"INSERT INTO bare VALUES ({mark})", (body,))
        return JSONResponse({"message": "received"})

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    routes = [
        Route("/api/v1/webhooks/stripe", deliver, methods=["POST"]),
        Route("/healthz", health, methods=["GET"]),
    ]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
