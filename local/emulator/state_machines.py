"""Step Functions: what MiniStack's interpreter leaves out of the Amazon States Language with JSONata.

AWS («Amazon States Language», «Transforming data with JSONata», «Passing data with variables», «Handling errors» in the Step Functions
Developer Guide,
and StartExecution in its API Reference):
- a Succeed or Parallel state, and a Choice's default, have Output and Assign too; the expressions of one state all see the variables as
  they were at
  its entry; a branch has variables of its own;
- a Choice's Condition has to be a boolean: anything else fails the execution with States.QueryEvaluationError;
- TimeoutSeconds of the machine ends the execution as TIMED_OUT; a stopped or timed-out execution starts nothing more;
- Retry knows MaxDelaySeconds and JitterStrategy; States.ALL does not match States.Runtime and States.DataLimitExceeded;
- a state's data is at most 256 KiB;
- StartExecution with the name and input of a running execution answers that execution;
- a failed execution has an error and a cause, and no output;
- an execution of an Express machine ends after five minutes, keeps no history, and its changes of status are no events.
"""

from __future__ import annotations

import contextvars
import copy
import json
import random
import threading

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, now_iso
from ministack.services import stepfunctions as sfn

from . import faults, state_machine_calls
from .patching import replace

MAX_DATA_BYTES = 256 * 1024
EXPRESS_SECONDS = 300.0
_NOT_CAUGHT_BY_ALL = ("States.Runtime", "States.DataLimitExceeded")
_stopped: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("stopped", default=None)
_events: dict[str, threading.Event] = {}


class Ended(Exception):
    """The execution was stopped or timed out while a state was under way."""


def run_execution(arn: str) -> None:
    """Walks the definition to its end, in the execution's thread."""
    execution = sfn._executions.get(arn)
    machine = sfn._state_machines.get(execution["stateMachineArn"]) if execution else None
    if not machine:
        return
    definition = json.loads(machine["definition"])
    ended = _events.setdefault(arn, threading.Event())
    _stopped.set(ended)
    state_machine_calls.role.set(machine["roleArn"])
    express = _is_express(execution)
    seconds = min(float(definition.get("TimeoutSeconds") or "inf"), EXPRESS_SECONDS if express else float("inf"))
    timer = None
    if seconds < float("inf"):
        timer = threading.Timer(seconds, contextvars.copy_context().run, (_time_out, execution))
        timer.daemon = True
        timer.start()
    data = json.loads(execution["input"] or "{}")
    context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "variables": {},
        "Execution": {
            "Id": arn,
            "Input": data,
            "Name": execution["name"],
            "RoleArn": machine["roleArn"],
            "StartTime": execution["startDate"],
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
    }
    try:
        _succeed(execution, _walk(definition["States"], definition["StartAt"], data, execution, context, record=not express))
    except Ended:
        pass
    except sfn._ExecutionError as error:
        _fail(execution, error.error, error.cause)
    except Exception as error:  # noqa: BLE001  (AWS: a fault of the machine itself)
        sfn.logger.exception("execution %s", arn)
        _fail(execution, "States.Runtime", str(error))
    finally:
        if timer:
            timer.cancel()
        _events.pop(arn, None)


def _walk(states: dict, name: str | None, data, execution: dict, context: dict, record: bool = False):
    """Runs states from `name` on; the output of the last one."""
    while name:
        _still_running(execution)
        state = states.get(name)
        if state is None:
            raise sfn._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        kind = state["Type"]
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        if record:
            sfn._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": {"name": name, "input": json.dumps(data)}})
        entered = name
        interruption = _interruption(execution, context["StateMachine"]["Name"], name)
        if kind == "Succeed":
            data, name = _pass_on(state, data, context), None
        elif kind == "Fail":
            raise sfn._ExecutionError(*sfn._fail_state_error(state, data, context))
        elif kind in ("Task", "Parallel", "Map"):
            data, name = getattr(sfn, f"_execute_{kind.lower()}")(state, data, execution, context)
        elif kind in ("Pass", "Choice", "Wait"):
            data, name = getattr(sfn, f"_execute_{kind.lower()}")(state, data, context)
        else:
            raise sfn._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
        if interruption:
            interruption.cancel()
            _abort(execution)
        _still_running(execution)
        if len(json.dumps(data)) > MAX_DATA_BYTES:
            raise sfn._ExecutionError(
                "States.DataLimitExceeded",
                f"The state/task '{entered}' returned a result with a size exceeding the maximum number of bytes service limit.",
            )
        if record:
            sfn._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": {"name": entered, "output": json.dumps(data)}})
    return data


def _pass_on(state: dict, data, context: dict):
    if sfn._state_query_language(state, context) == "JSONata":
        output = sfn._apply_jsonata_output(state, data, context, default=data)
        sfn._apply_state_assign(state, data, context, result=output)
        return output
    return sfn._apply_output_path(state, sfn._apply_input_path(state, data, context), context)


def _interruption(execution: dict, machine: str, state: str) -> threading.Timer | None:
    """A test's faults: the state begins late, or the execution is stopped in it; now, or by the timer."""
    state_machine_calls.place.set({"machine": machine, "state": state})
    late = faults.late_entry(machine, state)
    if late > 0:
        _sleep(late)
    seconds = faults.stop_after(machine, state)
    if seconds is None:
        return None
    if seconds == 0:
        _abort(execution)
        raise Ended
    timer = threading.Timer(seconds, contextvars.copy_context().run, (_abort, execution))
    timer.daemon = True
    timer.start()
    return timer


def _abort(execution: dict) -> None:
    """What StopExecution does."""
    if execution["status"] != "RUNNING":
        return
    execution.update(status="ABORTED", stopDate=now_iso())
    sfn._add_event(execution, "ExecutionAborted", {"executionAbortedEventDetails": {"error": "", "cause": ""}})
    sfn._emit_execution_status_event(execution)
    _wake(execution["executionArn"])


def _still_running(execution: dict) -> None:
    if execution["status"] != "RUNNING":
        raise Ended


def _succeed(execution: dict, data) -> None:
    _still_running(execution)
    execution.update(status="SUCCEEDED", output=json.dumps(data), stopDate=now_iso())
    sfn._add_event(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": execution["output"]}})
    sfn._emit_execution_status_event(execution)


def _fail(execution: dict, error: str, cause: str) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="FAILED", error=error, cause=cause, output=None, stopDate=now_iso())
    sfn._add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": {"error": error, "cause": cause}})
    sfn._emit_execution_status_event(execution)


def _time_out(execution: dict) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", error="States.Timeout", output=None, stopDate=now_iso())
    sfn._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}})
    sfn._emit_execution_status_event(execution)
    _wake(execution["executionArn"])


def _is_express(execution: dict) -> bool:
    return (sfn._state_machines.get(execution["stateMachineArn"]) or {}).get("type") == "EXPRESS"


def _events_of_standard(emit):
    return lambda execution: None if _is_express(execution) else emit(execution)


def _wake(arn: str) -> None:
    event = _events.get(arn)
    if event:
        event.set()


def _sleep(seconds: float) -> None:
    """A Wait state or the pause before a retry: ends with the execution."""
    event = _stopped.get() or threading.Event()
    if event.wait(max(0.0, seconds) * sfn._SFN_WAIT_SCALE):
        raise Ended


def _start(start):
    def start_execution(data):
        machine = sfn._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        name = data.get("name")
        if machine and name:
            arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{sfn._state_machines[machine]['name']}:{name}"
            running = sfn._executions.get(arn)
            if running and running["status"] == "RUNNING" and json.loads(running["input"] or "{}") == json.loads(data.get("input") or "{}"):
                return json_response({"executionArn": arn, "startDate": running["startDate"]})
        if len(data.get("input") or "") > MAX_DATA_BYTES:
            return error_response_json(
                "ValidationException",
                "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have "
                f"length less than or equal to {MAX_DATA_BYTES}",
                400,
            )
        return start(data)

    return start_execution


def _stop(stop):
    def stop_execution(data):
        answer = stop(data)
        _wake(data.get("executionArn"))
        return answer

    return stop_execution


def _retrier(find):
    def find_matching_retrier(retriers, error, counts):
        """The interpreter waits IntervalSeconds × BackoffRate^n: hand it the wait that AWS would choose, as an interval without backoff."""
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    return find_matching_retrier


def _matches(matches):
    return lambda names, error: error in names if error in _NOT_CAUGHT_BY_ALL else matches(names, error)


def _assign(state, data, context, result=None, error_output=None) -> None:
    """All expressions are evaluated before any variable changes."""
    wanted = state.get("Assign")
    if context is None or not isinstance(wanted, dict) or sfn._state_query_language(state, context) != "JSONata":
        return
    made = {
        name: sfn._apply_jsonata_template(value, data, context, result=result, error_output=error_output) for name, value in wanted.items()
    }
    context.setdefault("variables", {}).update(made)


def _task(execute):
    def execute_task(state, data, execution, context):
        """TimeoutSeconds may be an expression."""
        if isinstance(state.get("TimeoutSeconds"), str):
            state = {**state, "TimeoutSeconds": sfn._jsonata_state_field(state, "TimeoutSeconds", "number", data, context)}
        return execute(state, data, execution, context)

    return execute_task


def _condition(_evaluate):
    def evaluate_condition(rule, data, context):
        value = sfn._apply_jsonata_template(rule.get("Condition"), data, context)
        if not isinstance(value, bool):
            raise sfn._ExecutionError(
                "States.QueryEvaluationError",
                f"The JSONata expression '{rule.get('Condition')}' specified for the field 'Condition' returned an unexpected result type. "
                f"Expected 'boolean', but was {json.dumps(value)}",
            )
        return value

    return evaluate_condition


def _choice(choose):
    def execute_choice(state, data, context=None):
        if sfn._state_query_language(state, context) != "JSONata" or "Output" not in state:
            return choose(state, data, context)
        for rule in state.get("Choices", []):
            if sfn._evaluate_jsonata_choice_rule(rule, data, context):
                return choose(state, data, context)
        output = sfn._apply_jsonata_output(state, data, context, default=data)
        return output, choose(state, data, context)[1]

    return execute_choice


def _parallel(run_branches):
    def run_parallel_branches(state, data, execution, context):
        if sfn._state_query_language(state, context) != "JSONata":
            return run_branches(state, data, execution, context)
        given = sfn._apply_jsonata_arguments(state, data, context)
        outcomes: list = [None] * len(state["Branches"])

        def run(index: int, branch: dict) -> None:
            try:
                outcomes[index] = (
                    True,
                    _walk(branch["States"], branch["StartAt"], copy.deepcopy(given), execution, copy.deepcopy(context)),
                )
            except Exception as error:  # noqa: BLE001
                outcomes[index] = (False, error)

        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(run, i, branch), daemon=True)
            for i, branch in enumerate(state["Branches"])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for done, value in outcomes:
            if not done:
                raise value if isinstance(value, (sfn._ExecutionError, Ended)) else sfn._ExecutionError("States.BranchFailed", str(value))
        results = [value for _, value in outcomes]
        output = sfn._apply_jsonata_output(state, data, context, result=results, default=results)
        sfn._apply_state_assign(state, data, context, result=results)
        return output, sfn._next_or_end(state)

    return run_parallel_branches


def install() -> None:
    replace(sfn, "_run_execution", run_execution)
    replace(
        sfn,
        "_run_sub_machine",
        lambda states, start, data, execution, context: _walk(states, start, copy.deepcopy(data), execution, context),
    )
    replace(sfn, "_scaled_sleep", _sleep)
    replace(sfn, "_apply_state_assign", _assign)
    for name, wrap in (
        ("_start_execution", _start),
        ("_stop_execution", _stop),
        ("_find_matching_retrier", _retrier),
        ("_error_matches", _matches),
        ("_execute_task", _task),
        ("_evaluate_jsonata_choice_rule", _condition),
        ("_execute_choice", _choice),
        ("_emit_execution_status_event", _events_of_standard),
        ("_run_parallel_branches", _parallel),
    ):
        replace(sfn, name, wrap(getattr(sfn, name)))
    state_machine_calls.install()
