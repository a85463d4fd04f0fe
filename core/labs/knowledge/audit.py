"""The audit of a probe: does it read what the model knows, or what stands out?

The checks are those that Farquhar et al. 2023 ask of any method that claims to find knowledge: the same answers when
the question is worded differently or another person speaks, no feature that can take the truth's place, and answers
that hold on items it was not fitted on, above random directions and near to supervised ones.

Our own methods are also fitted anew under each distractor, without labels, as in the paper; a probe from a file is
read as it is. Every condition is centred on its own training part, without labels; how the probe fares with the
normaliser it came with is said beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from core.labs.knowledge.probes.methods import Probes, fit
from core.labs.knowledge.probes.metrics import accuracy, chance_floor
from core.labs.knowledge.probes.names import OUTPUTS
from core.labs.knowledge.probes.probe_file import has_normaliser
from core.labs.knowledge.statements.wording import NAMES, REWORDED
from core.labs.knowledge.study import Study

Outcome = Literal["passed", "failed", "not run"]
FINDS = 0.75  # accuracy from which a probe counts as having found a feature
SAME = 0.9  # share of answers that must stay
DROP = 0.1


@dataclass(frozen=True)
class Check:
    """One question put to a probe: its outcome, the numbers it rests on, and a sentence."""

    name: str
    question: str
    outcome: Outcome
    sentence: str
    numbers: dict[str, float]


@dataclass(frozen=True)
class Card:
    """All checks of one method or uploaded probe, and the verdict in plain words."""

    probe: str
    layer: int | None
    seeds: int
    items: int
    checks: tuple[Check, ...]
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Line:
    """Accuracies on the held-out items of the default prompts that others are read against."""

    floor: float
    random: float
    random_95: float
    supervised: float


def reference_lines(study: Study) -> Line:
    """Chance, random directions (mean, and the 95th percentile of 200) and logistic regression, held out."""
    layer, labels = study.settings.focus, study.labels
    pairs = study.pairs("none", layer)
    normaliser = study.normaliser("none", layer)
    random = fit("random", layer, pairs[:, ~study.test], labels[~study.test], normaliser, seeds=range(10_000, 10_200))
    found = accuracy(random.scores(pairs[:, study.test]) > 0, labels[study.test])
    supervised = study.fit("logistic", "none", layer).scores(pairs[:, study.test]) > 0
    return Line(
        chance_floor(int(study.test.sum())),
        float(found.mean()),
        float(np.quantile(found, 0.95)),
        float((supervised == labels[study.test]).mean()),
    )


def audit(study: Study, method: str, lines: Line, *, uploaded: Probes | None = None) -> Card:
    """The card of one of the study's methods, or of an uploaded probe, at the study's layer of focus.

    The study must have the condition ``none``; checks of conditions that it lacks are not run.
    """
    view = _Uploaded(study, uploaded) if uploaded is not None else _Method(study, method)
    checks = [_held_out(view), _above_lines(view, lines)]
    checks += [_same(view, REWORDED, "Are the answers the same when the question is worded differently?")]
    checks += [_same(view, "persona", "Are the answers the same whoever is said to speak?")]
    for condition in ("word", "opinion", "implicit"):
        checks.append(_undistracted(view, condition))
    seeds = len(view.default())
    layer = None if method in OUTPUTS and uploaded is None else view.layer
    return Card(method, layer, seeds, int(study.test.sum()), tuple(checks), _verdict(checks))


class _Method:
    """One of the study's methods: fitted on the default prompts, and anew under each condition."""

    anew = True

    def __init__(self, study: Study, method: str):
        self.study, self.method, self.layer = study, method, study.settings.focus

    def default(self, part: np.ndarray | None = None) -> np.ndarray:
        """bool ``[probe, item]``: answers on default prompts."""
        return self.fitted("none")[:, self.study.test if part is None else part]

    def fitted(self, condition: str) -> np.ndarray:
        """bool ``[probe, item]`` of all items, fitted under the condition."""
        return self.study.scores(condition, self.layer, self.method) > 0

    def moved(self, condition: str, *, stored: bool = False) -> np.ndarray:
        """bool ``[probe, item]``: the default prompts' probe on other prompts, centred anew or as it is stored."""
        if self.method in OUTPUTS:
            return self.study.outputs(condition, self.method) > 0
        probes = self.study.probes["none", self.layer, self.method]
        normaliser = None if stored else self.study.normaliser(condition, self.layer)
        return probes.scores(self.study.pairs(condition, self.layer), normaliser=normaliser) > 0


class _Uploaded(_Method):
    """A probe from a file: nothing is fitted but, where it has none, its normaliser."""

    anew = False

    def __init__(self, study: Study, probe: Probes):
        super().__init__(study, probe.method)
        self.probe, self.layer = probe, probe.layer

    def fitted(self, condition: str) -> np.ndarray:
        return self.moved(condition)

    def moved(self, condition: str, *, stored: bool = False) -> np.ndarray:
        keep = stored and has_normaliser(self.probe)
        normaliser = None if keep else self.study.normaliser(condition, self.layer)
        return self.probe.scores(self.study.pairs(condition, self.layer), normaliser=normaliser) > 0


def _held_out(view: _Method) -> Check:
    study = view.study
    train = float(accuracy(view.default(~study.test), study.labels[~study.test]).mean())
    test = float(accuracy(view.default(), study.labels[study.test]).mean())
    good = test >= FINDS and test >= train - DROP
    return Check(
        "Held-out groups",
        "Does it find the truth on items of groups that it was not fitted on?",
        "passed" if good else "failed",
        f"Accuracy {test:.2f} on held-out items, {train:.2f} on those fitted on.",
        {"truth_test": test, "truth_train": train},
    )


def _above_lines(view: _Method, lines: Line) -> Check:
    study = view.study
    test = float(accuracy(view.default(), study.labels[study.test]).mean())
    good = test > (lines.random + lines.supervised) / 2
    return Check(
        "Reference lines",
        "Is it nearer to a supervised probe than to a random direction?",
        "passed" if good else "failed",
        f"{test:.2f}; random directions reach {lines.random:.2f} on average and one in twenty {lines.random_95:.2f}, "
        f"logistic regression {lines.supervised:.2f}, coin flips {lines.floor:.2f}.",
        {
            "truth_test": test,
            "random": lines.random,
            "random_95": lines.random_95,
            "supervised": lines.supervised,
            "floor": lines.floor,
        },
    )


def _same(view: _Method, condition: str, question: str) -> Check:
    study, name = view.study, NAMES[condition]
    if condition not in study.contrasts:
        return Check(name, question, "not run", "These prompts are not part of the run.", {})
    test = study.test
    same = float((view.moved(condition) == view.fitted("none"))[:, test].mean())
    stored = float((view.moved(condition, stored=True) == view.fitted("none"))[:, test].mean())
    numbers = {"same": same, "same_as_stored": stored} | _found(view, condition)
    return Check(
        name,
        question,
        "passed" if same >= SAME else "failed",
        f"{same:.0%} of the answers stay ({stored:.0%} with the normaliser as it is stored).",
        numbers,
    )


def _undistracted(view: _Method, condition: str) -> Check:
    study, name = view.study, NAMES[condition]
    question = f"Does it still find the truth when there is {_WHAT[condition]}?"
    if condition not in study.contrasts:
        return Check(name, question, "not run", "These prompts are not part of the run.", {})
    numbers = _found(view, condition)
    truth, distractor = numbers["truth"], numbers["distractor"]
    default = float(accuracy(view.default(), study.labels[study.test]).mean())
    good = truth >= max(FINDS, default - DROP) and truth > distractor
    how = "Fitted anew" if view.anew and view.method not in OUTPUTS else "Read"
    return Check(
        name,
        question,
        "passed" if good else "failed",
        f"{how} on these prompts, it matches the truth at {truth:.2f} and the distractor at {distractor:.2f}.",
        numbers,
    )


_WHAT = {
    "word": "a random word after the answer",
    "opinion": "an expert with an opinion",
    "implicit": "somebody who is wrong about one topic",
}


def _found(view: _Method, condition: str) -> dict[str, float]:
    """Held-out accuracies under a condition, fitted anew where the method can be, and the share of seeds that find
    each feature."""
    study, rows = view.study, view.study.test
    predicted = view.fitted(condition)[:, rows]
    truth = accuracy(predicted, study.labels[rows])
    distractor = accuracy(predicted, study.contrasts[condition].distractor[rows])
    return {
        "truth": float(truth.mean()),
        "distractor": float(distractor.mean()),
        "seeds_truth": float((truth >= 0.9).mean()),
        "seeds_distractor": float((distractor >= 0.9).mean()),
    }


def _verdict(checks: list[Check]) -> str:
    """What was seen, and what it is worth."""
    by_name = {check.name: check for check in checks}
    held, lines = checks[0], checks[1]
    if "failed" in (held.outcome, lines.outcome):
        return (
            f"It does not reliably find the truth even by default ({held.numbers['truth_test']:.2f} on held-out items)."
        )
    taken = [
        c for c in checks[4:] if c.outcome == "failed" and c.numbers["distractor"] > max(c.numbers["truth"], FINDS)
    ]
    start = f"By default it matches the truth ({held.numbers['truth_test']:.2f} on held-out items)"
    if taken:
        told = ", ".join(f"{c.name.lower()} ({c.numbers['distractor']:.2f})" for c in taken)
        return (
            f"{start}, but where something else stands out it follows that instead: {told}. It reads what stands "
            "out, and is no evidence of what the model knows."
        )
    failed = [name.lower() for name, check in by_name.items() if check.outcome == "failed"]
    if failed:
        return f"{start}, but does not hold up under: {', '.join(failed)}."
    missing = [name.lower() for name, check in by_name.items() if check.outcome == "not run"]
    left = f" Not run: {', '.join(missing)}." if missing else ""
    return f"{start} and passes every check that was run. Other features may still distract it.{left}"
