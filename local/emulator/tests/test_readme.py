"""The README lists what is not as on AWS, and each file that says so."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

EMULATOR = Path(__file__).resolve().parents[1]
WORDS = "Not as on AWS:"


class ReadmeTest(unittest.TestCase):
    def test_every_difference_from_aws_is_in_the_table_and_in_its_file(self) -> None:
        section = (EMULATOR / "README.md").read_text().split("## Not as on AWS\n")[1]
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| ") and not line.startswith("| what")]
        listed = {name for row in rows for name in re.findall(r"`([\w./]+\.py)`", row[2])}
        saying = {path.name for path in EMULATOR.glob("*.py") if WORDS in path.read_text()} | {"../fleet/machine.py"}
        self.assertIn(WORDS, (EMULATOR / "../fleet/machine.py").read_text())
        self.assertEqual(listed, saying)

    def test_no_file_says_it_in_other_words(self) -> None:
        for path in EMULATOR.glob("*.py"):
            self.assertEqual([], re.findall(r"\(On AWS|Not on AWS|\bHere (?:an?|all|each|none|they)\b", path.read_text()), path.name)


if __name__ == "__main__":
    unittest.main()
