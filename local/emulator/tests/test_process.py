import os
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

from . import support as s

LOCAL = str(Path(__file__).parents[2])


def start(port: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "emulator", "--port", str(port)],
        env={**os.environ, "PYTHONPATH": LOCAL},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Process(unittest.TestCase):
    def end(self, number: int) -> None:
        """Starts an emulator with a function's environment, ends it with the signal, and waits for the environment to go."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        emulator = start(port)
        self.addCleanup(lambda: (emulator.kill(), emulator.wait(10), emulator.stdout.close(), emulator.stderr.close()))
        self.assertIn("ready", emulator.stdout.readline())
        others, s.endpoint = s.endpoint, lambda: f"http://127.0.0.1:{port}"
        s.client.cache_clear()
        try:
            pid = s.invoke(s.function("exports.handler = async () => process.pid;"))[1]
        finally:
            s.endpoint = others
            s.client.cache_clear()
        os.kill(pid, 0)
        emulator.send_signal(number)
        emulator.wait(10)
        s.wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the function's environment")

    def test_a_terminated_emulator_leaves_no_process(self):
        self.end(signal.SIGTERM)

    def test_a_killed_emulator_leaves_no_process(self):
        self.end(signal.SIGKILL)

    def test_a_port_in_use_is_said_in_one_line(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            second = start(port)
            _, said = second.communicate(timeout=20)
        self.assertEqual((second.returncode, said.strip()), (1, f"emulator: 127.0.0.1:{port} is in use"))


if __name__ == "__main__":
    unittest.main()
