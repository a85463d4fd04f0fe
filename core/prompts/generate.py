"""Write the bundled pair sets: ``python -m core.prompts.generate --seed 0 --out assets/pairs``.

Candidates are drawn at random (``core.prompts.tasks``) and kept if the default model solves them: it must prefer the
answer after the clean prompt and the distractor after the corrupt one, each by a logit difference of at least
``core.prompts.solving.MARGIN``. So the sets show what the model can do; they do not measure how often it can.
The same seed, model and library versions give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.prompts import tasks
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.parse import pairs_to_csv

COUNT = 40
MAX_DRAWS = 4000
DRAWS: dict[str, tuple[str, tasks.Draw]] = {
    "ioi_abba": ("abba", tasks.ioi_abba),
    "ioi_baba": ("baba", tasks.ioi_baba),
    "greater_than": ("year", tasks.greater_than),
    "agreement": ("verb", tasks.agreement),
    "capitals": ("capital", tasks.capitals),
    "pronouns": ("pronoun", tasks.pronouns),
}

Solves = Callable[[PromptPair], bool]


def generate(set_id: str, *, seed: int, solves: Solves, count: int = COUNT) -> PairSet:
    """The first ``count`` different pairs of a behaviour, drawn in seeded order, for which ``solves`` holds.

    Raises:
        ValueError: if ``MAX_DRAWS`` draws do not give enough of them.
    """
    short, draw = DRAWS[set_id]
    rng = np.random.default_rng([seed, list(DRAWS).index(set_id)])
    seen: set[PromptPair] = set()
    kept: list[PromptPair] = []
    for _ in range(MAX_DRAWS):
        pair = draw(rng)
        if pair not in seen and solves(pair):
            kept.append(replace(pair, name=f"{short}-{len(kept) + 1:03d}"))
        if len(kept) == count:
            return PairSet(set_id, tuple(kept))
        seen.add(pair)
    raise ValueError(f"only {len(kept)} of {count} pairs of {set_id} after {MAX_DRAWS} draws")


def write_sets(folder: Path, *, seed: int, solves: Solves) -> None:
    """Write every bundled set as ``folder/<id>.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    for set_id in DRAWS:
        text = pairs_to_csv(generate(set_id, seed=seed, solves=solves))
        (folder / f"{set_id}.csv").write_text(text, encoding="utf-8", newline="")


def default_model_solves() -> Solves:
    """The filter of the bundled sets: whether the default model solves a pair."""
    from core.models.catalogue import DEFAULT
    from core.models.load import load_model
    from core.prompts.align import align
    from core.prompts.solving import is_solved, logit_differences

    model = load_model(DEFAULT, device="cpu", dtype="float32")

    def solves(pair: PromptPair) -> bool:
        aligned = align(PairSet("candidate", (pair,)), model.tokenizer)
        return not aligned.problems and is_solved(*logit_differences(aligned.pairs, model.hf)[0])

    return solves


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.prompts.generate", description="Write the bundled pair sets.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("assets/pairs"))
    arguments = parser.parse_args()
    write_sets(arguments.out, seed=arguments.seed, solves=default_model_solves())


if __name__ == "__main__":
    main()
