"""`tscli serve`: the webhook receiver."""

from typing import Annotated

import typer

from tscli.render.talk import say
from tscli.words import open_app


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen at.")] = 8_470,
) -> None:
    """Receive webhooks over HTTP.

    Each is stored durably, then answered, then applied.
    """
    import uvicorn

    from providers.registry import NAMES
    from tscli.api.doors import Doors, networks
    from tscli.api.receiver import Receiver

    app = open_app(ctx)
    app.serves = True
    for name in NAMES:
        app.check_webhooks(name)
    api = app.settings.api
    doors = Doors(networks(api.allow), networks(api.proxies))
    receiver = Receiver(app.context(), NAMES, doors, api.token.get_secret_value())
    say(f"Receiving webhooks at http://{host}:{port}/api/v1/webhooks/ ({', '.join(NAMES)}).")
    uvicorn.run(
        receiver.application(),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=1_000,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=32 * 1024,
    )
