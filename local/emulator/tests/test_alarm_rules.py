"""The tables of «How alarm state is evaluated when data is missing» (CloudWatch User Guide), and the sentences of a state's reason."""

import json
import unittest

from emulator.alarm_rules import Rule, evaluate, reason_data, stamp

START = 1_700_000_000.0
MODES = ("missing", "ignore", "breaching", "notBreaching")
KEEPS = "as it was"


def state_of(shown: str, periods: int, to_alarm: int, mode: str, before: str = KEEPS) -> str:
    """`shown`: oldest first, 0 not breaching, X breaching, - missing."""
    value = {"0": 1.0, "X": 9.0, "-": None}
    points = [(START + 60 * n, value[mark]) for n, mark in enumerate(shown.split())]
    verdict = evaluate(Rule("GreaterThanThreshold", 5.0, periods, to_alarm, mode), points, before)
    return verdict.state if verdict else before


def reason_of(shown: str, periods: int, to_alarm: int, mode: str = "missing") -> str:
    value = {"0": 1.0, "X": 9.0, "-": None}
    points = [(START + 60 * n, value[mark]) for n, mark in enumerate(shown.split())]
    return evaluate(Rule("GreaterThanThreshold", 5.0, periods, to_alarm, mode), points, "OK").reason


class MissingData(unittest.TestCase):
    def check(self, periods: int, to_alarm: int, rows: dict[str, tuple[str, str, str, str]]):
        for shown, expected in rows.items():
            seen = tuple(state_of(shown, periods, to_alarm, mode) for mode in MODES)
            self.assertEqual((shown, *seen), (shown, *expected))

    def test_three_of_three_are_judged_as_in_awss_table(self):
        unknown = "INSUFFICIENT_DATA"
        rows = {
            "0 - X - X": ("OK", "OK", "OK", "OK"),
            "0 - - - -": ("OK", "OK", "OK", "OK"),
            "- - - - -": (unknown, KEEPS, "ALARM", "OK"),
            "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
            "- - - - X": (unknown, KEEPS, "ALARM", "OK"),
            "X - - - -": ("ALARM", KEEPS, "ALARM", "OK"),
            "- - X - -": ("ALARM", KEEPS, "ALARM", "OK"),
        }
        self.check(3, 3, rows)

    def test_two_of_three_are_judged_as_in_awss_table(self):
        rows = {
            "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
            "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
            "0 - X - -": ("OK", "OK", "ALARM", "OK"),
            "- - - - 0": ("OK", "OK", "ALARM", "OK"),
            "- - - - X": ("INSUFFICIENT_DATA", KEEPS, "ALARM", "OK"),
        }
        self.check(3, 2, rows)

    def test_with_enough_real_data_points_the_newest_decide_and_the_setting_does_not_count(self):
        for mode in MODES:
            self.assertEqual(state_of("X X 0 0 0", 3, 2, mode), "OK")
            self.assertEqual(state_of("0 0 X - X", 3, 2, mode), "ALARM")

    def test_breaching_data_points_need_not_be_consecutive(self):
        self.assertEqual(state_of("X 0 X 0 X 0 0", 5, 2, "missing"), "ALARM")
        self.assertEqual(state_of("X X X 0 X 0 0 0", 5, 2, "missing"), "OK")


class Comparison(unittest.TestCase):
    def test_the_threshold_itself_breaches_only_with_or_equal_to(self):
        point = [(START, 5.0)]
        for operator, state in {
            "GreaterThanThreshold": "OK",
            "GreaterThanOrEqualToThreshold": "ALARM",
            "LessThanThreshold": "OK",
            "LessThanOrEqualToThreshold": "ALARM",
        }.items():
            self.assertEqual((operator, evaluate(Rule(operator, 5.0, 1, 1), point, "OK").state), (operator, state))


class Reasons(unittest.TestCase):
    def test_a_reason_shows_the_data_points_that_decided_newest_first(self):
        self.assertEqual(
            reason_of("0 X X - X", 3, 2),
            "Threshold Crossed: 3 out of the last 3 datapoints [9.0 (14/11/23 22:17:20), 9.0 (14/11/23 22:15:20), 9.0 (14/11/23 22:14:20)] "
            "were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition).",
        )
        self.assertEqual(
            reason_of("X X 0", 3, 3),
            "Threshold Crossed: 1 out of the last 3 datapoints [1.0 (14/11/23 22:15:20)] was not greater than the threshold (5.0) "
            "(minimum 1 datapoint for ALARM -> OK transition).",
        )

    def test_a_reason_says_what_was_missing(self):
        self.assertEqual(reason_of("- - - - -", 3, 3), "Insufficient Data: 3 datapoints were unknown.")
        self.assertEqual(
            reason_of("- - -", 1, 1, "breaching"),
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching].",
        )
        self.assertEqual(
            reason_of("- - - - X", 2, 2, "breaching"),
            "Threshold Crossed: 1 datapoint [9.0 (14/11/23 22:17:20)] was greater than the threshold (5.0) and 1 missing datapoint was "
            "treated as [Breaching].",
        )

    def test_the_reasons_data_hold_the_evaluated_points(self):
        rule = Rule("GreaterThanThreshold", 5.0, 2, 2)
        verdict = evaluate(rule, [(START, 8.0), (START + 60, 9.0)], "OK")
        data = json.loads(reason_data(rule, verdict, "Maximum", 60, START + 120.5))
        self.assertEqual(data["recentDatapoints"], [8.0, 9.0])
        self.assertEqual(data["evaluatedDatapoints"][0], {"timestamp": "2023-11-14T22:14:20.000+0000", "value": 9.0})
        self.assertEqual((data["queryDate"], data["startDate"]), ("2023-11-14T22:15:20.500+0000", "2023-11-14T22:13:20.000+0000"))

    def test_an_instant_is_written_as_aws_does(self):
        self.assertEqual(stamp(START + 0.25), "2023-11-14T22:13:20.250+0000")


if __name__ == "__main__":
    unittest.main()
