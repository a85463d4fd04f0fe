"""Commands are called what the README calls them, and what earlier versions called them."""

import re
import shlex

import pytest

from core.__main__ import _parser
from core.labs.registry import LABORATORIES
from core.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
WRITTEN = re.findall(r"^\.venv/bin/python -m core (\S.*)$", README, re.MULTILINE)
EARLIER = {
    "grok": "--regime grok --preset small --seed 0",
    "probe": "--model smollm2-135m --data sentiment --distractor none,word,opinion",
    "audit": "--model smollm2-135m --data sentiment --probe probe.safetensors",
    "mcqa": "--model smollm2-135m --questions questions.csv",
}


@pytest.mark.parametrize("line", WRITTEN)
def test_every_command_of_the_readme_is_understood(line):
    assert callable(_parser().parse_args(shlex.split(line)).run)


def test_the_readme_names_most_commands():
    assert len(WRITTEN) >= 10
    named = {line.split()[0] for line in WRITTEN}
    assert {lab.name for lab in LABORATORIES} <= named


@pytest.mark.parametrize("name", EARLIER)
def test_names_of_earlier_versions_do_what_they_did(name):
    arguments = [*EARLIER[name].split(), "--out", "x"]
    earlier = _parser().parse_args([name, *arguments])
    now = {"grok": "grokking", "probe": "knowledge", "mcqa": "multiple_choice"}.get(name, name)
    assert vars(earlier) == vars(_parser().parse_args([now, *arguments]))
