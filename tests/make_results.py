"""Small hand-made results for tests: known shapes, seeded effects, tokens one chooses."""

import dataclasses

import numpy as np

from core.patching.results.result import AttributionResult, PairRun
from core.patching.spec import RunSpec
from core.prompts.pairs import TokenPair
from core.terms import ModelShape

SHAPE = ModelShape(n_layers=3, n_heads=4, n_kv_heads=2, d_model=16, d_head=4, d_mlp=8)
CLEAN = ("When", " Mary", " and", " John", " and", " Mary")
CORRUPT = ("When", " Mary", " and", " John", " and", " John")


def make_pair(
    row: int = 0,
    *,
    clean=CLEAN,
    corrupt=CORRUPT,
    clean_metric: float = 4.0,
    corrupt_metric: float = -4.0,
    name: str = "",
) -> PairRun:
    """A pair whose ids are numbers given to tokens in order of appearance."""
    ids = {token: i + 10 for i, token in enumerate(dict.fromkeys((*clean, *corrupt)))}
    tokens = TokenPair(
        row=row,
        name=name,
        clean_ids=tuple(ids[t] for t in clean),
        corrupt_ids=tuple(ids[t] for t in corrupt),
        clean_tokens=tuple(clean),
        corrupt_tokens=tuple(corrupt),
        answer_id=3,
        distractor_id=4,
        answer=" John",
        distractor=" Mary",
    )
    return PairRun(tokens=tokens, clean_metric=clean_metric, corrupt_metric=corrupt_metric)


def make_result(pairs=None, *, kinds=("z", "mlp_out"), shape=SHAPE, seed: int = 0, **spec) -> AttributionResult:
    """Seeded normal effects from the first differing token on, exactly 0 before it; scores are magnitudes."""
    pairs = tuple(pairs or (make_pair(0), make_pair(1), make_pair(2)))
    settings = {
        "model": "tiny",
        "revision": "r1",
        "dtype": "float32",
        "pairs_digest": "d1",
        "metric": "logit_diff",
        "direction": "noising",
        "method": "exact",
        **spec,
    }
    run = RunSpec(nodes=tuple(kinds), **settings)
    rng = np.random.default_rng(seed)
    effects = {}
    for kind in run.nodes:
        arrays = []
        for pair in pairs:
            x = rng.normal(size=(shape.n_layers, len(pair.tokens), shape.units(kind))).astype(np.float32)
            x[:, : pair.tokens.first_difference] = 0
            arrays.append(x if run.signed else np.abs(x))
        effects[kind] = tuple(arrays)
    return AttributionResult(
        spec=run,
        shape=shape,
        pairs=pairs,
        effects=effects,
        seconds={"exact": 1.5},
        provenance={"torch": "2.13.0", "device": "cpu"},
    )


def with_effects(result: AttributionResult, **effects) -> AttributionResult:
    """The same result with other effects: one array a kind (used for every pair), or a list, one a pair."""
    filled = {
        kind: tuple(np.asarray(x, dtype=np.float32) for x in value)
        if isinstance(value, list)
        else tuple(np.asarray(value, dtype=np.float32) for _ in result.pairs)
        for kind, value in effects.items()
    }
    return dataclasses.replace(result, effects={**result.effects, **filled})
