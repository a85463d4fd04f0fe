"""The Python that rebuilds a circuit and measures it again."""

from __future__ import annotations

import json

from core.circuits.circuit import Circuit
from core.circuits.stored import CircuitRun

TEMPLATE = '''"""Rebuilds a circuit of {edges} edges and measures what it explains. Run from Circuitarium's folder."""

import json

import numpy as np

from core.circuits.circuit import Circuit
from core.circuits.patched import circuit_metric
from core.circuits.settings import CircuitSettings
from core.circuits.study import circuit_question
from core.models.load import load_model
from core.prompts.pairs import TokenPair

CIRCUIT = json.loads({circuit})
PAIRS = json.loads({pairs})
SETTINGS = json.loads({settings})

model = load_model({model}, dtype={dtype})
if model.revision != {revision}:
    print("Note: the weights differ from those of the original run.")
circuit = Circuit.from_json(CIRCUIT)
pairs = tuple(TokenPair(**{{k: tuple(v) if isinstance(v, list) else v for k, v in p.items()}}) for p in PAIRS)
question = circuit_question(model, pairs, CircuitSettings.from_json(SETTINGS))
inside = np.broadcast_to(circuit.mask(question.length), (question.length, *circuit.graph.edges.shape))
found = circuit_metric(question, circuit.graph, np.stack([inside, circuit.graph.edges & ~inside]))
print(f"{{len(circuit.edges)}} edges: faithfulness {{found.faithfulness[0]:.4f}}, "
      f"completeness {{1 - found.faithfulness[1]:.4f}}")
for edge in circuit.edges[:10]:
    print(f"{{edge.score:+.4f}}  {{edge.name}}")
'''


def circuit_script(run: CircuitRun, circuit: Circuit) -> str:
    """A script that runs as it is; texts of people enter as data only."""

    def text(value: object) -> str:
        return repr(json.dumps(value, ensure_ascii=True))

    return TEMPLATE.format(
        edges=len(circuit.edges),
        circuit=text(circuit.to_json()),
        pairs=text([pair.to_json() for pair in run.pairs]),
        settings=text(run.settings.to_json()),
        model=repr(run.model["model_id"]),
        dtype=repr(run.model["precision"]),
        revision=repr(run.model["revision"]),
    )
