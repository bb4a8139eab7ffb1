"""`python -m emulator --port 4566`: starts the emulator and stays in the foreground (README.md)."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys


def main() -> None:
    parser = argparse.ArgumentParser(prog="emulator", description="AWS emulator of the local twin")
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--log-level", default="WARNING")
    parser.add_argument("--no-iam", action="store_true", help="do not check signatures and policies (MiniStack's AUTH=false)")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError:
            sys.exit(f"emulator: {options.host}:{options.port} is in use")

    # MiniStack reads its settings when it is imported.
    os.environ.update(
        {
            "GATEWAY_PORT": str(options.port),
            "BIND_HOST": options.host,
            "MINISTACK_HOST": "localhost",
            "LOG_LEVEL": options.log_level,
            "PERSIST_STATE": "0",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": "us-east-1",
            "AUTH": "false" if options.no_iam else "true",
        }
    )
    from . import extensions

    extensions.install()
    from .gateway import application

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    asyncio.run(serve(application, options.host, options.port))


async def serve(application, host: str, port: int) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{host}:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.graceful_timeout = 1
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    announcing = asyncio.create_task(announce(host, port))
    try:
        await asyncio.wait_for(hypercorn_serve(application, config, shutdown_trigger=ended.wait), None)
    finally:
        announcing.cancel()
        from .extensions import stop

        stop()
        # Worker threads may sit in a Lambda call or a wait state; nothing of theirs is worth keeping.
        sys.stdout.flush()
        os._exit(0)


async def announce(host: str, port: int) -> None:
    """Says that the emulator is ready once its port takes connections."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        print(f"emulator ready on http://{host}:{port}", flush=True)
        return


if __name__ == "__main__":
    main()
