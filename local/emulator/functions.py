"""Lambda's Node.js execution environments.

AWS (Lambda Developer Guide: «Understanding the Lambda execution environment lifecycle», «Handle errors in Node.js functions», «Quotas»):
concurrent invocations have an environment each, which is used again; what the handler throws comes back as {errorType: error.name,
errorMessage, trace}; a function over its timeout is ended (Sandbox.Timedout); it sees its own environment, not the host's; its variables
have 4 KB, measured as one JSON text, in which a quote of a value takes two bytes. MiniStack takes variables of any size, names every
error Runtime.HandlerError, ends the environment after it, forgets a stack's dead-letter queues, puts stand-ins for the AWS SDK in its
place, and passes its own environment on.
Not as on AWS: an environment ends with the emulator; it runs on the first `node` on the emulator's PATH, and has no limit of memory or CPU.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from . import faults
from .patching import replace

RUNTIME = str(Path(__file__).with_name("node_runtime.cjs"))
MAX_RESPONSE_BYTES = 6 * 1024 * 1024
MAX_ENVIRONMENT_BYTES = 4 * 1024
HOST_VARIABLES = ("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


class NodeEnvironment(lambda_runtime.Worker):
    """One execution environment: a Node process and the socket to it."""

    _socket: socket.socket | None = None
    _lines = None

    def _environment(self, code_dir: str) -> dict[str, str]:
        config = self.config
        _, region = lambda_runtime._account_region_from_function_config(config)
        name = config.get("FunctionName", "")
        made = {key: os.environ[key] for key in HOST_VARIABLES if key in os.environ}
        made |= {
            "TZ": ":UTC",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "LAMBDA_TASK_ROOT": code_dir,
            "_HANDLER": config.get("Handler", "index.handler"),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime')}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_LAMBDA_LOG_GROUP_NAME": (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[$LATEST]{os.urandom(16).hex()}",
            # Not as on AWS: where AWS is.
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        }
        made |= lambda_runtime.execution_credentials(config)
        made |= {k: str(v) for k, v in ((config.get("Environment") or {}).get("Variables") or {}).items()}
        return {k: v for k, v in made.items() if v != ""}

    def _spawn(self) -> None:
        started = time.monotonic()
        code_dir = lambda_svc._provided_runtime_code_dir(self.code_zip)
        ours, theirs = socket.socketpair()
        node = shutil.which("node")
        if not node:
            raise RuntimeError("no `node` on the emulator's PATH")
        self._proc = subprocess.Popen(
            [node, RUNTIME],
            cwd=code_dir,
            env=self._environment(code_dir),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        theirs.close()
        self._socket, self._lines = ours, ours.makefile("r", encoding="utf-8", newline="\n")
        self._stderr_queue = queue.Queue()
        self._stderr_thread = threading.Thread(
            target=self._read_log, args=(self._proc, self._stderr_queue), daemon=True, name=f"log-{self.func_name}"
        )
        self._stderr_thread.start()
        self._init = self._receive(10.0 + float(self.config.get("Timeout", 3)))
        self._init_ms = (time.monotonic() - started) * 1000

    @staticmethod
    def _read_log(process, lines: queue.Queue) -> None:
        for line in process.stdout:
            lines.put(line.rstrip("\n"))

    def _receive(self, seconds: float) -> dict | None:
        """The next message; None when there was none in time, {} when the process is gone."""
        self._socket.settimeout(max(0.001, seconds))
        try:
            line = self._lines.readline()
        except (TimeoutError, OSError):
            return None
        return json.loads(line) if line.endswith("\n") else {}

    def invoke(self, event, request_id, *, trace_id=None, depth=None, durable=None, invoked_function_arn=None) -> dict:
        with self._lock:
            timeout = float(self.config.get("Timeout", 3))
            cold = self._proc is None or self._proc.poll() is not None
            if cold:
                self._discard()
                self._spawn()
                self._cold = False
            answer = (
                self._init
                if cold and not (self._init or {}).get("ready")
                else self._call(event, request_id, trace_id, invoked_function_arn, timeout)
            )
            error = self._error(answer, request_id, timeout)
            if error and (answer is None or "error" not in answer or self._proc.poll() is not None):
                self._discard()
            log = self._log(request_id)
            if cold:
                log = f"INIT_REPORT Init Duration: {self._init_ms:.2f} ms\tPhase: init\tStatus: {'error' if error else 'success'}\n{log}"
            if error:
                return {"status": "error", "error": error["errorMessage"], "error_payload": error, "cold_start": cold, "log": log}
            return {"status": "ok", "result": answer["result"], "cold_start": cold, "log": log}

    def _call(self, event, request_id: str, trace_id, arn, timeout: float) -> dict | None:
        call = {
            "event": event,
            "requestId": request_id,
            "traceId": trace_id,
            "arn": arn or self.config.get("FunctionArn", ""),
            "deadline": int((time.time() + timeout) * 1000),
        }
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall((json.dumps(call) + "\n").encode())
        except OSError:
            return {}
        killer = self._killer()
        try:
            return self._receive(timeout)
        finally:
            if killer:
                killer.cancel()

    def _killer(self) -> threading.Timer | None:
        """A test's fault: the environment dies while it works, as when its host does."""
        seconds = faults.kill_after(self.func_name)
        if seconds is None:
            return None
        timer = threading.Timer(seconds, self._proc.kill)
        timer.daemon = True
        timer.start()
        return timer

    def _error(self, answer: dict | None, request_id: str, timeout: float) -> dict | None:
        if answer is None:
            return {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds",
            }
        if answer.get("error") or answer.get("initError"):
            return answer.get("error") or answer["initError"]
        if "result" not in answer:
            return {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited without providing a reason",
            }
        size = len(json.dumps(answer["result"], ensure_ascii=False))
        if size > MAX_RESPONSE_BYTES:
            return {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
            }
        return None

    def _log(self, request_id: str) -> str:
        """What the function wrote. The runtime ends an invocation's log with a mark; without one (it died) a short wait must do."""
        lines, deadline = [], time.monotonic() + 0.25
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._stderr_queue.get(timeout=left)
            except queue.Empty:
                break
            if line == f"\0end {request_id}":
                break
            lines.append(line)
        return "\n".join(lines)

    def _discard(self) -> None:
        process, self._proc = self._proc, None
        if process and process.poll() is None:
            process.kill()
            process.wait()
        self._discard_tmpdir()

    def _discard_tmpdir(self) -> None:
        # Called when the environment is ended; its code is shared, only the socket is its own.
        if self._socket:
            self._lines.close()
            self._socket.close()
            self._socket = None


def _delete_with_environments(delete):
    """A function that its stack deletes takes its environments with it (MiniStack ends them for DeleteFunction only)."""

    def delete_function(physical_id, props, *rest):
        delete(physical_id, props, *rest)
        lambda_runtime.invalidate_worker(physical_id)

    return delete_function


def _with_dead_letters(handler: dict) -> None:
    create, update = handler["create"], handler["update"]

    def keep(name: str, props: dict) -> None:
        config = lambda_svc._functions[name]["config"]
        config.pop("DeadLetterConfig", None)
        if props.get("DeadLetterConfig"):
            config["DeadLetterConfig"] = props["DeadLetterConfig"]

    def create_function(logical_id, props, stack_name):
        made = create(logical_id, props, stack_name)
        keep(made[0], props)
        return made

    def update_function(physical_id, old_props, new_props, *rest):
        made = update(physical_id, old_props, new_props, *rest)
        keep(made[0], new_props)
        return made

    handler["create"], handler["update"] = create_function, update_function


def _too_large(settings: dict) -> str | None:
    """The sentence with which Lambda refuses the variables of a function."""
    measured = json.dumps((settings.get("Environment") or {}).get("Variables") or {}, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) <= MAX_ENVIRONMENT_BYTES:
        return None
    return (
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        f"exceeded the 4KB limit. String measured: {measured}"
    )


def _refuse_large_environments(stack_handler: dict) -> None:
    create_of_stack, create, update = stack_handler["create"], lambda_svc._create_function, lambda_svc._update_config

    def create_in_stack(logical_id, props, stack_name):
        if refusal := _too_large(props):
            raise ValueError(refusal)
        return create_of_stack(logical_id, props, stack_name)

    def create_function(data):
        refusal = _too_large(data)
        return lambda_svc._invalid_parameter_value(refusal) if refusal else create(data)

    def update_config(name, data, *rest, **more):
        refusal = _too_large(data)
        return lambda_svc._invalid_parameter_value(refusal) if refusal else update(name, data, *rest, **more)

    stack_handler["create"] = create_in_stack
    replace(lambda_svc, "_create_function", create_function)
    replace(lambda_svc, "_update_config", update_config)


def install() -> None:
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    handler["delete"] = _delete_with_environments(handler["delete"])
    _refuse_large_environments(handler)
    _with_dead_letters(handler)
    choose = lambda_runtime._worker_class_for
    replace(
        lambda_runtime,
        "_worker_class_for",
        lambda config: NodeEnvironment if str(config.get("Runtime", "")).startswith("nodejs") else choose(config),
    )
    # The executor of custom runtimes passes an error payload through as it is.
    run_warm, run_provided = lambda_svc._execute_function_warm, lambda_svc._execute_function_provided_warm

    def execute(func, event, request_id):
        config = func.get("config") or func
        return (run_provided if str(config.get("Runtime", "")).startswith("nodejs") else run_warm)(func, event, request_id)

    replace(lambda_svc, "_execute_function_warm", execute)
