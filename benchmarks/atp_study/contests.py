"""The contests of the study: each task once on attention nodes and once on neurons of one pair, and four tasks on
attention nodes of a set of pairs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.atp_study.truth import truth
from core.export.trust.recall import write_recall
from core.models.load import LoadedModel
from core.patching.nodes import FAMILIES
from core.patching.question import ask
from core.patching.trust.contest import run_contest
from core.paths import ASSETS
from core.prompts.align import align
from core.prompts.bundled import load_bundled
from core.prompts.pairs import TokenPair, largest_group
from core.prompts.parse import parse_pairs

HERE = Path(__file__).parent
KEPT = ASSETS / "study"
TASKS = ("ioi", "greater_than", "agreement", "capitals", "random")
SETS = {"ioi": "ioi_abba", "greater_than": "greater_than", "agreement": "agreement", "capitals": "capitals"}
SET_SIZE = 6
SEEDS = 3
SAMPLES = {"attention": 512, "neurons": 2048}  # most subsets of subsampling
PER_DECADE = 20  # points of a kept curve


@dataclass(frozen=True)
class Study:
    """One contest: the folder it is kept in, its pairs, and its nodes."""

    name: str
    family: str
    pairs: tuple[TokenPair, ...]


def studies(model: LoadedModel) -> Iterator[Study]:
    """All of them, the cheap ones first."""
    for task in TASKS:
        yield Study(f"{task}-attention", "attention", one_pair(model, task))
    for task, bundled in SETS.items():
        pairs = largest_group(align(load_bundled(bundled), model.tokenizer).or_raise())
        yield Study(f"{task}-set", "attention", pairs[:SET_SIZE])
    for task in TASKS:
        yield Study(f"{task}-neurons", "neurons", one_pair(model, task))


def one_pair(model: LoadedModel, task: str) -> tuple[TokenPair, ...]:
    """The pair of ``pairs/TASK.csv``."""
    file = HERE / "pairs" / f"{task}.csv"
    return align(parse_pairs(file.read_bytes(), filename=file.name).or_raise(), model.tokenizer).or_raise()


def run(model: LoadedModel, study: Study) -> None:
    """Run a contest and keep its curves, bounds and numbers. The exact effects of neurons are kept too."""
    kinds = FAMILIES[study.family]
    question = ask(model, study.pairs, kinds=kinds, metric="logit_diff", direction="noising")
    folder = KEPT / study.name
    effects = truth(question, kinds, folder / "exact.safetensors") if study.family == "neurons" else None
    contest = run_contest(question, study.family, kinds, seeds=SEEDS, samples=SAMPLES[study.family], effects=effects)
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out"
        write_recall([contest], model, study.pairs, out, metric="logit_diff", direction="noising")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("bound.csv", "summary.json"):
            shutil.copy(out / name, folder / name)
        recall = pd.read_csv(out / "recall.csv")
    few = np.unique(np.round(10 ** np.arange(0, np.log10(recall.k.max()) + 1, 1 / PER_DECADE)))
    kept = recall[recall.k.isin(few) | (recall.k == recall.k.max())]
    kept.astype({"cost": int}).to_csv(folder / "recall.csv", index=False, lineterminator="\n")
