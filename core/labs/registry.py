"""The laboratories: one line each. Pages, commands, Home, Runs and the README's table are made of these lines.

Laboratory ``x`` lies in ``core/labs/x`` (its science; ``command.py`` adds its commands), ``ui/labs/x`` (its page's
parts), ``pages/x.py`` and, if it keeps files with the app, ``assets/labs/x``. ``x`` is also its address, the ``lab`` of
its stored runs and its command. ``docs/architecture.md`` says how to add one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Laboratory:
    """One laboratory.

    Attributes:
        name: its folder, page, address and command.
        title: in the list of pages.
        question: what its page answers, one or two sentences.
        help: what it holds, a few words.
        paper: whom it follows; empty if nobody.
        aliases: names of its command in earlier versions.
    """

    name: str
    title: str
    question: str
    help: str
    paper: str = ""
    aliases: tuple[str, ...] = ()

    def add_commands(self, commands: argparse._SubParsersAction) -> None:
        """Add the laboratory's commands; the main one is called like the laboratory itself."""
        import_module(f"core.labs.{self.name}.command").add(commands, self.name, aliases=self.aliases)


LABORATORIES = (
    Laboratory(
        "goals",
        "Goals",
        "Can an agent keep its skill and lose the point? Which goal did it learn, where training rewards two alike?",
        "Agents trained here in four worlds, tested where the goals part; boards to change by hand.",
        "Shah et al. 2022",
    ),
    Laboratory(
        "grokking",
        "Grokking",
        "Why does a network that has memorised its examples turn, much later, to a solution that holds for all?",
        "Small networks trained here, many at once: grokking, ungrokking, semi-grokking, efficiency.",
        "Varma et al. 2023",
        aliases=("grok",),
    ),
    Laboratory(
        "knowledge",
        "Knowledge",
        "Do unsupervised probes find what a language model knows, or whatever stands out?",
        "CCS and its rivals on contrast pairs, with distractors, and an audit of any probe.",
        "Farquhar et al. 2023",
        aliases=("probe",),
    ),
    Laboratory(
        "multiple_choice",
        "Multiple choice",
        "Does a model bind the labels A to D to the options they stand for? Which heads write the right label, where "
        "do they look, and in how few directions?",
        "Label bias, output nodes, heads and their subspaces; on a small trained model, or yours.",
        "Lieberum et al. 2023",
        aliases=("mcqa", "multiple-choice"),
    ),
    Laboratory(
        "similarity",
        "Similarity",
        "Can a person teach a robot what matters by saying which behaviours are alike, and how few answers are enough?",
        "Representations from similarity answers against their rivals, and your own answers live.",
        "Bobu et al. 2023",
    ),
)
