import json
import time
import unittest
from functools import cache

from botocore.exceptions import ClientError

from . import support as s

HANDLER = """exports.handler = async (event) => {
  if (event.fail) throw Object.assign(new Error(event.message ?? 'no'), { name: event.fail });
  if (event.answerBytes) return 'x'.repeat(event.answerBytes);
  if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep));
  return { seen: event };
};"""


@cache
def worker() -> str:
    return s.function(HANDLER, Timeout=10)


@cache
def role() -> str:
    return s.role("states.amazonaws.com", {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"})


def machine(states: dict, start: str | None = None, role_arn: str | None = None, type: str = "STANDARD", **top) -> str:
    definition = {"QueryLanguage": "JSONata", "StartAt": start or next(iter(states)), "States": states, **top}
    return s.client("stepfunctions").create_state_machine(
        name=s.unique("machine"), type=type, definition=json.dumps(definition), roleArn=role_arn or role()
    )["stateMachineArn"]


def task(payload, **fields) -> dict:
    made = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": worker(), "Payload": payload},
        **fields,
    }
    return made if "Next" in made else {**made, "End": True}


def run(states: dict, data=None, **options) -> dict:
    """DescribeExecution of a finished execution, with `output` parsed."""
    sfn = s.client("stepfunctions")
    arn = sfn.start_execution(stateMachineArn=machine(states, **options), input=json.dumps(data if data is not None else {}))[
        "executionArn"
    ]
    ended = s.wait_for(
        lambda: (lambda e: e["status"] != "RUNNING" and e)(sfn.describe_execution(executionArn=arn)), "the end of the execution", 30
    )
    return {**ended, "output": json.loads(ended["output"]) if ended.get("output") else None}


class StateMachines(unittest.TestCase):
    def tearDown(self):
        s.twin("DELETE", "faults")

    def test_a_succeed_state_has_an_output(self):
        self.assertEqual(run({"Done": {"Type": "Succeed", "Output": "{% {'sum': $states.input.a + 1} %}"}}, {"a": 1})["output"], {"sum": 2})

    def test_an_invocations_result_is_its_status_and_payload(self):
        states = {
            "Call": task(
                {"job": "{% $states.input.job %}"},
                Assign={"job": "{% $states.result.Payload.seen.job %}"},
                Output="{% $states.result.StatusCode %}",
                Next="Done",
            ),
            "Done": {"Type": "Succeed", "Output": "{% {'job': $job, 'status': $states.input} %}"},
        }
        self.assertEqual(run(states, {"job": "delays"})["output"], {"job": "delays", "status": 200})

    def test_an_execution_can_be_stopped_in_a_state_before_it_or_while_it_works(self):
        for delay in (0, 300):
            with self.subTest(delayMs=delay):
                states = {"First": {"Type": "Pass", "Next": "Call"}, "Call": task({"sleep": 600}, Next="Done"), "Done": {"Type": "Succeed"}}
                arn = machine(states)
                rule = {"service": "states", "action": "EnterState", "machine": arn.split(":")[-1], "state": "Call", "stop": True}
                s.twin("POST", "faults", [{**rule, "delayMs": delay, "count": 1}])
                sfn = s.client("stepfunctions")
                execution = sfn.start_execution(stateMachineArn=arn)["executionArn"]
                s.wait_for(lambda: sfn.describe_execution(executionArn=execution)["status"] == "ABORTED", "the stop", 10)
                time.sleep(0.8)
                kinds = [event["type"] for event in sfn.get_execution_history(executionArn=execution)["events"]]
                self.assertIn("ExecutionAborted", kinds)
                self.assertNotIn("SucceedStateEntered", kinds)
                self.assertEqual("LambdaFunctionScheduled" in kinds or "TaskScheduled" in kinds, delay > 0)
                again = sfn.start_execution(stateMachineArn=arn)["executionArn"]
                s.wait_for(lambda: sfn.describe_execution(executionArn=again)["status"] == "SUCCEEDED", "an execution after it", 10)  # noqa: B023
                s.twin("DELETE", "faults")

    def test_an_execution_is_stopped_in_a_state_that_is_over_sooner_than_the_stop_comes(self):
        arn = machine({"Call": task({}, Next="Done"), "Done": {"Type": "Succeed"}})
        s.twin("POST", "faults", [{"service": "states", "action": "EnterState", "state": "Call", "stop": True, "delayMs": 20_000}])
        sfn = s.client("stepfunctions")
        execution = sfn.start_execution(stateMachineArn=arn)["executionArn"]
        s.wait_for(lambda: sfn.describe_execution(executionArn=execution)["status"] == "ABORTED", "the stop", 10)

    def test_what_one_state_invokes_can_fail_alone(self):
        rule = {"service": "lambda", "action": "Invoke", "state": "Second", "code": "ResourceNotFoundException"}
        s.twin("POST", "faults", [rule])
        ended = run({"First": task({}, Next="Second"), "Second": task({})})
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "Lambda.ResourceNotFoundException"))
        self.assertEqual(run({"First": task({})})["status"], "SUCCEEDED")

    def test_variables_are_assigned_together_after_all_expressions_are_evaluated(self):
        states = {
            "First": {"Type": "Pass", "Assign": {"a": 1}, "Next": "Second"},
            "Second": {"Type": "Pass", "Assign": {"a": 2, "b": "{% $a %}"}, "Output": "{% $a %}", "Next": "Done"},
            "Done": {"Type": "Succeed", "Output": "{% {'a': $a, 'b': $b, 'output': $states.input} %}"},
        }
        self.assertEqual(run(states)["output"], {"a": 2, "b": 1, "output": 1})

    def test_a_condition_that_is_no_boolean_fails_the_execution(self):
        choice = {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.a %}", "Next": "Done"}], "Default": "Done"}
        states = {"Choose": choice, "Done": {"Type": "Succeed"}}
        for given, error in ((True, None), (False, None), (1, "States.QueryEvaluationError"), ("yes", "States.QueryEvaluationError")):
            self.assertEqual(run(states, {"a": given}).get("error"), error)

    def test_a_choices_default_has_assign_and_output(self):
        states = {
            "Big?": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.a > 5 %}", "Next": "Done"}],
                "Default": "Done",
                "Assign": {"size": "small"},
                "Output": {"from": "default"},
            },
            "Done": {"Type": "Succeed", "Output": "{% {'size': $size, 'in': $states.input} %}"},
        }
        self.assertEqual(run(states, {"a": 1})["output"], {"size": "small", "in": {"from": "default"}})

    def test_a_fail_states_error_and_cause_can_be_expressions(self):
        ended = run(
            {"Fail": {"Type": "Fail", "Error": "{% $states.input.e & 'Error' %}", "Cause": "{% 'because ' & $states.input.e %}"}},
            {"e": "Disk"},
        )
        self.assertEqual((ended["status"], ended["error"], ended["cause"], ended["output"]), ("FAILED", "DiskError", "because Disk", None))

    def test_what_a_function_throws_is_caught_by_its_name_with_its_message_in_the_cause(self):
        catch = [
            {
                "ErrorEquals": ["CapacityMissing"],
                "Assign": {"why": "{% $parse($states.errorOutput.Cause).errorMessage %}"},
                "Output": "{% $states.errorOutput.Error %}",
                "Next": "Done",
            }
        ]
        states = {
            "Call": task({"fail": "CapacityMissing", "message": "none left"}, Catch=catch),
            "Done": {"Type": "Succeed", "Output": "{% [$why, $states.input] %}"},
        }
        self.assertEqual(run(states)["output"], ["none left", "CapacityMissing"])

    def test_a_retry_waits_no_longer_than_its_maximum_delay(self):
        s.twin(
            "POST",
            "faults",
            [{"service": "lambda", "action": "Invoke", "function": worker(), "code": "TooManyRequestsException", "count": 3}],
        )
        retry = [
            {
                "ErrorEquals": ["Lambda.TooManyRequestsException"],
                "IntervalSeconds": 1,
                "BackoffRate": 10,
                "MaxAttempts": 3,
                "MaxDelaySeconds": 1,
                "JitterStrategy": "FULL",
            }
        ]
        started = time.monotonic()
        self.assertEqual(run({"Call": task({"a": 1}, Retry=retry)})["status"], "SUCCEEDED")
        self.assertLess(time.monotonic() - started, 5)

    def test_a_tasks_timeout_is_States_Timeout_and_may_be_an_expression(self):
        states = {
            "Call": task(
                {"sleep": 3000}, TimeoutSeconds="{% $states.input.limit %}", Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Done"}]
            ),
            "Done": {"Type": "Succeed", "Output": 1},
        }
        self.assertEqual(run(states, {"limit": 1})["output"], 1)

    def test_a_machines_timeout_ends_the_execution_as_TIMED_OUT(self):
        started = time.monotonic()
        ended = run({"Wait": {"Type": "Wait", "Seconds": 30, "End": True}}, TimeoutSeconds=1)
        self.assertEqual((ended["status"], time.monotonic() - started < 5), ("TIMED_OUT", True))

    def test_a_stopped_execution_starts_no_further_state(self):
        sfn = s.client("stepfunctions")
        arn = sfn.start_execution(stateMachineArn=machine({"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Call"}, "Call": task({})}))[
            "executionArn"
        ]
        sfn.stop_execution(executionArn=arn, error="Stopped", cause="by a test")
        time.sleep(1.5)
        found = sfn.describe_execution(executionArn=arn)
        self.assertEqual((found["status"], found["error"], found["cause"]), ("ABORTED", "Stopped", "by a test"))
        self.assertNotIn("TaskScheduled", [e["type"] for e in sfn.get_execution_history(executionArn=arn)["events"]])

    def test_a_repeated_start_with_the_same_name_and_input_finds_the_running_execution(self):
        sfn = s.client("stepfunctions")
        arn = machine({"Wait": {"Type": "Wait", "Seconds": 2, "End": True}})
        first = sfn.start_execution(stateMachineArn=arn, name="op-1", input='{"a": 1}')
        self.assertEqual(sfn.start_execution(stateMachineArn=arn, name="op-1", input='{"a":1}')["executionArn"], first["executionArn"])
        with self.assertRaisesRegex(ClientError, "ExecutionAlreadyExists"):
            sfn.start_execution(stateMachineArn=arn, name="op-1", input='{"a": 2}')
        sfn.stop_execution(executionArn=first["executionArn"])
        with self.assertRaisesRegex(ClientError, "ExecutionAlreadyExists"):
            sfn.start_execution(stateMachineArn=arn, name="op-1", input='{"a": 1}')

    def test_a_map_runs_each_item(self):
        processor = {
            "StartAt": "Ten",
            "States": {"Ten": {"Type": "Pass", "Output": "{% $states.input.v * 10 + $states.input.i %}", "End": True}},
        }
        states = {
            "Each": {
                "Type": "Map",
                "Items": "{% $states.input.a %}",
                "ItemSelector": {"i": "{% $states.context.Map.Item.Index %}", "v": "{% $states.context.Map.Item.Value %}"},
                "ItemProcessor": processor,
                "End": True,
            }
        }
        self.assertEqual(run(states, {"a": [1, 2]})["output"], [10, 21])

    def test_a_map_in_an_express_machine_runs_loops_with_waits_of_their_own_side_by_side(self):
        item = {
            "Begin": {"Type": "Pass", "Assign": {"every": "{% $states.input %}", "passed": 0}, "Next": "Look"},
            "Look": task(
                {"fail": "{% $every = 2 ? 'Broken' : null %}"},
                Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Count"}],
                Next="Count",
            ),
            "Count": {"Type": "Pass", "Assign": {"passed": "{% $passed + 1 %}"}, "Next": "Done?"},
            "Done?": {"Type": "Choice", "Choices": [{"Condition": "{% $passed * $every >= 4 %}", "Next": "Done"}], "Default": "Wait"},
            "Wait": {
                "Type": "Wait",
                "Seconds": "{% $max([0, $round(($toMillis($states.context.Execution.StartTime) + $passed * $every * 1000 - $millis()) / 1000)]) %}",
                "Next": "Look",
            },
            "Done": {"Type": "Succeed", "Output": "{% $passed %}"},
        }
        started = time.monotonic()
        states = {
            "Each": {"Type": "Map", "Items": "{% $states.input %}", "ItemProcessor": {"StartAt": "Begin", "States": item}, "End": True}
        }
        ended = run(states, [1, 2, 4], type="EXPRESS")
        self.assertEqual((ended["status"], ended["output"]), ("SUCCEEDED", [4, 2, 1]))
        self.assertTrue(2 <= time.monotonic() - started < 8)

    def test_a_parallel_state_has_output_assign_and_branches_with_variables_of_their_own(self):
        branch = {"StartAt": "Set", "States": {"Set": {"Type": "Pass", "Assign": {"mine": 1}, "Output": "{% $shared %}", "End": True}}}
        states = {
            "Before": {"Type": "Pass", "Assign": {"shared": 7}, "Next": "Both"},
            "Both": {
                "Type": "Parallel",
                "Branches": [branch, branch],
                "Assign": {"sum": "{% $sum($states.result) %}"},
                "Output": "{% $states.result %}",
                "Next": "Done",
            },
            "Done": {"Type": "Succeed", "Output": "{% {'sum': $sum, 'results': $states.input, 'leaked': $exists($mine)} %}"},
        }
        self.assertEqual(run(states)["output"], {"sum": 14, "results": [7, 7], "leaked": False})

    def test_an_expression_without_a_result_is_a_query_evaluation_error(self):
        ended = run({"Done": {"Type": "Succeed", "Output": "{% $states.input.missing %}"}})
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "States.QueryEvaluationError"))

    def test_data_over_256_kib_fails_the_execution_and_is_not_caught(self):
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
        ended = run({"Grow": task({"answerBytes": 300_000}, Catch=catch), "Done": {"Type": "Succeed"}})
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "States.DataLimitExceeded"))

    def test_a_machine_whose_role_may_not_invoke_the_function_fails(self):
        ended = run({"Call": task({})}, role_arn=s.role("states.amazonaws.com"))
        self.assertEqual(ended["error"], "Lambda.AWSLambdaException")
        self.assertIn("is not authorized to perform: lambda:InvokeFunction", ended["cause"])

    def test_every_change_of_an_executions_status_is_an_event(self):
        seen = s.listen({"source": ["aws.states"]})
        arn = run({"Done": {"Type": "Succeed"}})["executionArn"]
        states = s.wait_for(
            lambda: (lambda found: len(found) == 2 and found)([e["detail"]["status"] for e in seen() if e["resources"] == [arn]]),
            "two events",
        )
        self.assertEqual(sorted(states), ["RUNNING", "SUCCEEDED"])


if __name__ == "__main__":
    unittest.main()
