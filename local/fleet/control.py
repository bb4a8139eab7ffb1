"""Faults on demand, over HTTP on the loopback interface: what a drill or a test does to a machine. README.md lists the requests."""

from __future__ import annotations

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .agent import Agent
from .emulator import EmulatorUnavailable


def serve(agent: Agent, port: int) -> str:
    """Starts the control endpoint and returns its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/instances":
                return self._answer(404, {"message": "GET /instances"})
            self._answer(200, [machine.describe() for machine in list(agent.machines.values())])

        def do_POST(self) -> None:
            if self.path.startswith("/zones/"):
                return self._zone()
            self._change("signal", lambda machine, body: machine.signal(signal.Signals[body["signal"]], body.get("process")))

        def do_PUT(self) -> None:
            self._change("notices", lambda machine, body: agent.give_notices(machine, dict(body)))

        def _zone(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            zone, verb = (self.path.strip("/").split("/") + ["", ""])[1:3]
            if verb == "lose" and body.get("signal", "SIGSTOP") in ("SIGSTOP", "SIGKILL"):
                try:
                    agent.lose_zone(zone, signal.Signals[body.get("signal", "SIGSTOP")], body.get("announced", True))
                except EmulatorUnavailable as error:
                    return self._answer(502, {"message": str(error)})
            elif verb == "return":
                agent.return_zone(zone, float(body.get("zombieSeconds", 5)))
            else:
                return self._answer(404, {"message": "POST /zones/<zone>/lose {signal?, announced?} or /zones/<zone>/return {zombieSeconds?}"})
            self._answer(200, {"lost": sorted(agent.lost_zones)})

        def _change(self, verb: str, apply) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = self.path.strip("/").split("/")
            machine = agent.machines.get(parts[1]) if len(parts) == 3 and parts[0] == "instances" and parts[2] == verb else None
            if machine is None:
                return self._answer(404, {"message": f"there is no {self.path}"})
            try:
                apply(machine, json.loads(body or b"{}"))
            except (LookupError, ValueError, TypeError, OSError, EmulatorUnavailable) as error:
                return self._answer(400, {"message": f"{type(error).__name__}: {error}"})
            self._answer(200, machine.describe())

        def _answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True, name="control").start()
    return f"http://127.0.0.1:{server.server_address[1]}"
