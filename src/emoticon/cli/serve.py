"""`emoticon serve`: from settings to a process that answers, and to its orderly end."""

import asyncio
import gc
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Annotated

import typer
import uvicorn
from typing_extensions import override

from emoticon import __version__
from emoticon.cli.environment import (
    fail,
    run,
    settings_or_exit,
    warn_of_unknown_variables,
)
from emoticon.domain.services import Services
from emoticon.settings import Settings, variable
from emoticon.telemetry import configure_logging

_BACKLOG = 2048


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on  [EMOTICON_HOST, 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on; 0 takes a free one  [EMOTICON_PORT, 8000]"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve  [EMOTICON_WORKERS, 1]")
    ] = None,
) -> None:
    """Serve accounts and their emoticons. All other settings: `emoticon config reference`."""
    settings = settings_or_exit(host=host, port=port, workers=workers)
    configure_logging(settings.log_level, settings.log_format)
    warn_of_unknown_variables()
    listener = bind(settings)
    with listener:
        raise typer.Exit(_serve(settings, listener))


def bind(settings: Settings) -> socket.socket:
    """Take the address before anything slow is done; connections are refused until the service is ready."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise fail(f"cannot listen on {place}: {error.strerror or error}") from None
    listener.set_inheritable(True)
    return listener


def _serve(settings: Settings, listener: socket.socket) -> int:
    if settings.workers > 1:
        return _serve_with_workers(settings, listener)
    gc.disable()  # imports make many objects and no garbage; `_AnnouncingServer` enables it again
    from emoticon.wiring import open_services

    return run(serve_here(settings, listener, open_services(settings)))


async def serve_here(
    settings: Settings,
    listener: socket.socket,
    opening: AbstractAsyncContextManager[Services],
) -> int:
    """Open the services, serve in this process until a signal comes, close them. Returns the exit status."""
    from emoticon.app import create_app
    from emoticon.wiring import StartError

    starting = asyncio.current_task()
    received: list[int] = []

    def on_signal(number: int) -> None:
        received.append(number)
        if starting is not None:
            starting.cancel()

    # They stay installed to the end: uvicorn raises the signal once more after it has stopped, and what was opened
    # here is still to be closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    async with AsyncExitStack() as stack:
        try:
            services = await stack.enter_async_context(opening)
        except StartError as error:
            raise fail(str(error)) from None
        except asyncio.CancelledError:
            raise fail("stopped while starting", status=128 + received[0]) from None
        starting = None
        config = _config(settings, create_app(settings, services))
        server = _AnnouncingServer(config, lambda: _announce(settings, listener))
        await server.serve([listener])
    return 128 + received[0] if received else 0


def _serve_with_workers(settings: Settings, listener: socket.socket) -> int:
    """Check once that a start can succeed, then let uvicorn's supervisor start and watch the processes."""
    from uvicorn.supervisors import Multiprocess

    from emoticon.wiring import StartError, open_services

    async def rehearse() -> None:
        async with open_services(settings):
            return

    try:
        run(rehearse())
    except StartError as error:
        raise fail(str(error)) from None
    # Each worker reads the environment again, and its share of the cores depends on this.
    os.environ[variable("workers")] = str(settings.workers)
    config = _config(settings, "emoticon.app:create_app")
    # Who comes before the first worker is ready waits instead of being refused.
    listener.listen(_BACKLOG)
    _announce(settings, listener)
    with tempfile.TemporaryDirectory(prefix="figures-", dir=settings.data_dir) as directory:
        os.environ.setdefault(variable("metrics_dir"), directory)
        Multiprocess(config, sockets=[listener]).run()
    return 0


def _config(settings: Settings, app: object) -> uvicorn.Config:
    from emoticon.web.protocol import BoundedProtocol

    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application or where to find its factory
        factory=isinstance(app, str),
        workers=settings.workers,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        interface="asgi3",
        backlog=_BACKLOG,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=settings.connections,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_s,
    )


class _AnnouncingServer(uvicorn.Server):
    """Says where it serves as soon as it does."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.freeze()  # what is there now stays; collections need not look at it
        gc.enable()
        self._announce()


def _announce(settings: Settings, listener: socket.socket) -> None:
    address, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, address)  # noqa: S104 - a comparison
    url = f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{port}"
    place = f"accounts and pictures in {settings.data_dir}"
    if not settings.embedded:
        place = f"accounts in the given database, pictures in {settings.data_dir}"
    typer.echo(f"""Emoticon {__version__} serves on {url}
{place}
Try:
  curl {url}/auth/sign-up -H 'Content-Type: application/json' \\
       -d '{{"username": "ann", "password": "seven green boats at noon"}}'
  curl '{url}/emoticon/?username=ann' -H "Authorization: Bearer $TOKEN" -o ann.png
Stop with Ctrl-C.""")
