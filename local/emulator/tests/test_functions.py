import json
import os
import threading
import time
import unittest

from . import support as s


class Functions(unittest.TestCase):
    def test_what_the_handler_throws_comes_back_by_its_name(self):
        name = s.function(
            "class SlotsMissing extends Error { name = 'SlotsMissing' };"
            "exports.handler = async () => { throw new SlotsMissing('two short'); };"
        )
        error, payload = s.invoke(name)
        self.assertEqual((error, payload["errorType"], payload["errorMessage"]), ("Unhandled", "SlotsMissing", "two short"))

    def test_an_error_does_not_end_the_environment(self):
        name = s.function(
            "let n = 0; exports.handler = async (e) => { n += 1; if (e.fail) throw new Error('x'); return { n, pid: process.pid }; };"
        )
        pid = s.invoke(name)[1]["pid"]
        s.invoke(name, {"fail": True})
        self.assertEqual(s.invoke(name)[1], {"n": 3, "pid": pid})

    def test_a_function_over_its_timeout_is_ended(self):
        name = s.function("exports.handler = () => { for (;;); };", Timeout=1)
        started = time.monotonic()
        error, payload = s.invoke(name)
        self.assertEqual((error, payload["errorType"]), ("Unhandled", "Sandbox.Timedout"))
        self.assertIn("Task timed out after 1.00 seconds", payload["errorMessage"])
        self.assertLess(time.monotonic() - started, 3)

    def test_concurrent_invocations_have_an_environment_each(self):
        name = s.function("exports.handler = async () => { await new Promise((done) => setTimeout(done, 800)); return process.pid; };")
        found: list = []
        threads = [threading.Thread(target=lambda: found.append(s.invoke(name)[1])) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(found)), 2)

    def test_a_function_that_exits_reports_it(self):
        error, payload = s.invoke(s.function("exports.handler = async () => process.exit(3);"))
        self.assertEqual((error, payload["errorType"]), ("Unhandled", "Runtime.ExitError"))

    def test_an_environment_killed_in_the_middle_is_an_exit_and_the_next_invocation_has_another(self):
        name = s.function("exports.handler = async () => { await new Promise((done) => setTimeout(done, 400)); return process.pid; };")
        before = s.invoke(name)[1]
        s.twin("POST", "faults", [{"service": "lambda", "action": "Invoke", "function": name, "kill": True, "delayMs": 100, "count": 1}])
        error, payload = s.invoke(name)
        self.assertEqual((error, payload["errorType"]), ("Unhandled", "Runtime.ExitError"))
        error, after = s.invoke(name)
        self.assertIsNone(error)
        self.assertNotEqual(before, after)
        s.twin("DELETE", "faults")

    def test_a_bundle_that_does_not_load_reports_why(self):
        error, payload = s.invoke(s.function("throw new TypeError('at load');"))
        self.assertEqual((error, payload["errorType"], payload["errorMessage"]), ("Unhandled", "TypeError", "at load"))

    def test_a_function_sees_its_own_environment_only(self):
        os.environ["EMULATOR_TEST"] = "of the host"
        name = s.function("exports.handler = async () => process.env;", Environment={"Variables": {"STAGE": "local"}}, MemorySize=256)
        seen = s.invoke(name)[1]
        self.assertEqual((seen["STAGE"], seen["AWS_LAMBDA_FUNCTION_NAME"], seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]), ("local", name, "256"))
        self.assertNotIn("HOME", seen)
        self.assertTrue(seen["AWS_ACCESS_KEY_ID"].startswith("ASIA"))

    def test_variables_are_measured_as_json_in_which_quotes_of_a_value_take_two_bytes(self):
        awslambda = s.client("lambda")
        settings = {"Variables": {"STAGE": '"' * 2_050}}
        with self.assertRaisesRegex(awslambda.exceptions.InvalidParameterValueException, "exceeded the 4KB limit"):
            s.function("exports.handler = async () => 1;", Environment=settings)
        name = s.function("exports.handler = async () => 1;", Environment={"Variables": {"STAGE": "x" * 4_084}})
        with self.assertRaisesRegex(awslambda.exceptions.InvalidParameterValueException, "exceeded the 4KB limit"):
            awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": {"STAGE": "x" * 4_085}})

    def test_a_function_of_a_stack_has_the_dead_letter_queue_of_its_template(self):
        cloudformation, name = s.client("cloudformation"), s.unique("stack")
        queue = f"arn:aws:sqs:{s.REGION}:{s.ACCOUNT}:dead"
        code = {"Role": s.role(), "Runtime": "nodejs22.x", "Handler": "index.handler", "Code": {"ZipFile": "exports.handler = async () => 1;"}}

        def template(**settings) -> str:
            properties = {"FunctionName": name, **code, **settings}
            return json.dumps({"Resources": {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}})

        settings = lambda: s.client("lambda").get_function_configuration(FunctionName=name)  # noqa: E731
        cloudformation.create_stack(StackName=name, TemplateBody=template(DeadLetterConfig={"TargetArn": queue}))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        self.assertEqual(settings()["DeadLetterConfig"], {"TargetArn": queue})
        cloudformation.update_stack(StackName=name, TemplateBody=template(Timeout=4, DeadLetterConfig={"TargetArn": queue + "er"}))
        cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        self.assertEqual((settings()["DeadLetterConfig"], settings()["Timeout"]), ({"TargetArn": queue + "er"}, 4))
        cloudformation.update_stack(StackName=name, TemplateBody=template())
        cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        self.assertNotIn("DeadLetterConfig", settings())

    def test_what_a_function_writes_is_in_its_log_group(self):
        name = s.function("exports.handler = async () => { console.log('hello from inside'); };")
        s.invoke(name)
        messages = [e["message"] for e in s.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        self.assertIn("hello from inside", messages)
        self.assertTrue(any(m.startswith("INIT_REPORT Init Duration") for m in messages))


if __name__ == "__main__":
    unittest.main()
