"""A Python script that runs a result again and compares the numbers."""

from __future__ import annotations

import numpy as np

from core.export.literal import literal
from core.patching.results.ranking import largest
from core.patching.results.result import AttributionResult

TOP = 20

TEMPLATE = '''\
"""Runs one Circuitarium result again and compares its largest effects with the stored ones.

{what}
Run it from Circuitarium's own folder (the one that holds ``core``), with its requirements installed.
It ends with status 0 where the numbers agree, 1 where they do not.
"""

import sys

import numpy as np

sys.path.insert(0, "")  # the folder it is run from

from core.models.load import load_model
from core.prompts.pairs import TokenPair
from core.runs.execute import execute
from core.patching.spec import RunSpec

SPEC = {spec}

# Prompts as token ids, so that a later tokenizer cannot change them; texts are for reading.
PAIRS = {pairs}

# The largest effects: index of the pair, node kind, layer, position, unit (head, kv head or neuron; 0 if none), effect.
STORED = {stored}

# Another machine, thread count or batch size moves the last digits.
ABSOLUTE, RELATIVE = {absolute}, {relative}


def main() -> int:
    spec = RunSpec.from_json(SPEC)
    model = load_model(spec.model, dtype=spec.dtype)
    if model.revision != spec.revision:
        print(f"note: these weights are {{model.revision}}, the result's were {{spec.revision}}", file=sys.stderr)
    pairs = tuple(TokenPair(**{{k: tuple(v) if isinstance(v, list) else v for k, v in p.items()}}) for p in PAIRS)
    result = execute(spec, model, pairs)
    print(f"{{spec.method}}, {{spec.direction}}, {{spec.metric}}: effect now and as stored")
    agree = True
    for pair, kind, layer, position, unit, stored in STORED:
        now = float(result.effects[kind][pair][layer, position, unit])
        same = bool(np.isclose(now, stored, rtol=RELATIVE, atol=ABSOLUTE))
        agree = agree and same
        place = f"pair {{pair}}  {{kind}}  layer {{layer}}  position {{position}}  unit {{unit}}"
        print(f"{{place:<58}} {{now:+.5f}}  {{stored:+.5f}}{{'' if same else '  differs'}}")
    print("All agree." if agree else "Some differ.")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def reproduction_script(result: AttributionResult) -> str:
    """The script's text.

    Everything that came from a user enters as a Python literal made by ``repr``; nothing of it is code.
    """
    spec = result.spec
    half = spec.dtype != "float32"
    return TEMPLATE.format(
        what=_what(result),
        spec=literal(spec.to_json()),
        pairs=literal([_plain(run.tokens.to_json()) for run in result.pairs]),
        stored=literal(_largest_effects(result)),
        absolute=1e-2 if half else 1e-4,
        relative=5e-2 if half else 1e-3,
    )


def _what(result: AttributionResult) -> str:
    spec = result.spec
    words = [spec.method, spec.direction, spec.metric, *([f"donor {spec.donor}"] if spec.donor != "corrupt" else [])]
    words += [f"spans {spec.spans}"] if spec.spans is not None else []
    return f"{', '.join(words)}; {len(result.pairs)} pairs; run {spec.digest}."


def _plain(pair: dict[str, object]) -> dict[str, object]:
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in pair.items()}
    return {name: value for name, value in plain.items() if name != "links" or value is not None}


def _largest_effects(result: AttributionResult) -> list[tuple[int, str, int, int, int, float]]:
    """The largest effects of single pairs, over all kinds, largest first."""
    rows = []
    for kind, arrays in result.effects.items():
        for i, x in enumerate(arrays):
            for flat in largest(np.abs(x), TOP):
                layer, position, unit = (int(n) for n in np.unravel_index(flat, x.shape))
                rows.append((i, str(kind), layer, position, unit, float(x[layer, position, unit])))
    return sorted(rows, key=lambda row: -abs(row[-1]))[:TOP]
