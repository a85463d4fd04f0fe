"""Edges and circuits against TransformerLens and known circuits, in one process: ``python -m benchmarks.circuits``.

Writes ``benchmarks/results/circuits.json`` (or ``--out``). Nothing else may run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.models import _stand_in_tokenizer, default_model
from benchmarks.timing import seconds
from core.circuits.graph import Graph
from core.circuits.known import KNOWN, auroc
from core.circuits.patched import circuit_metric
from core.circuits.scores import edge_scores
from core.circuits.select import first_edges, random_ranking, ranking
from core.circuits.settings import EDGE_METHODS, CircuitSettings
from core.circuits.study import circuit_question
from core.circuits.sweep import graph_of
from core.models.load import LoadedModel, wrap
from core.patching.question import Question, ask
from core.prompts.align import align
from core.prompts.bundled import load_bundled
from core.prompts.pairs import TokenPair, largest_group
from core.readouts.direct import direct_logit_attribution

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)


def posed(model: LoadedModel, pairs: tuple[TokenPair, ...], direction: str) -> tuple[Question, Graph]:
    kinds = ("attn_out", "mlp_out")
    question = ask(model, pairs, kinds=kinds, metric="logit_diff", direction=direction)  # type: ignore[arg-type]
    return question, graph_of(model)


def gpt2(layers: int) -> tuple[Any, LoadedModel, TokenPair]:
    """A GPT-2 of random weights and GPT-2 small's width, twice; and a pair of 14 random tokens."""
    from transformers import AutoModelForCausalLM, GPT2Config

    torch.manual_seed(0)
    configs = (
        GPT2Config(n_layer=layers, bos_token_id=1, eos_token_id=2) for _ in range(2)
    )  # one each: they are changed
    hf, twin = (AutoModelForCausalLM.from_config(config).eval() for config in configs)
    twin.load_state_dict(hf.state_dict())
    generator = torch.Generator().manual_seed(9)
    clean = torch.randint(3, 50000, (14,), generator=generator).tolist()
    corrupt = [*clean[:9], clean[9] // 2 + 1, *clean[10:]]
    texts = tuple(map(str, clean)), tuple(map(str, corrupt))
    pair = TokenPair(0, "random", tuple(clean), tuple(corrupt), *texts, 11, 12, "11", "12")
    return twin, wrap(hf, None, model_id="random-gpt2"), pair


def against_transformer_lens(layers: int) -> dict[str, float]:
    """Time for all edge scores of one pair, and the largest difference, on a model without grouped heads."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis.attribution_patching import EdgeAttributionConfig, attribution_patch

    twin, model, pair = gpt2(layers)
    bridge = TransformerBridge.boot_transformers(
        "random-gpt2", hf_model=twin, tokenizer=_stand_in_tokenizer(), device="cpu"
    )
    clean, corrupt = (torch.tensor([ids]) for ids in (pair.clean_ids, pair.corrupt_ids))

    def theirs() -> Any:
        config = EdgeAttributionConfig(granularity="edge")
        return attribution_patch(
            bridge, clean, corrupt, lambda x: x[0, -1, pair.answer_id] - x[0, -1, pair.distractor_id], config
        )

    def ours(method: str = "eap") -> Any:
        question, graph = posed(model, (pair,), "denoising")
        return edge_scores(question, graph, method)  # type: ignore[arg-type]

    found, result = ours(), theirs()
    largest = max(abs(score) for score in result.edge_scores.values())
    spent = {method: seconds(lambda m=method: ours(m), repeats=3) for method in EDGE_METHODS}
    other = seconds(theirs, repeats=2)
    totals = {name: sum(sorted(np.abs(values), reverse=True)[:100]) for name, values in (
        ("ours", found.values.ravel().tolist()), ("theirs", list(result.edge_scores.values())))}  # fmt: skip
    return {
        "layers": layers,
        "edges": len(result.edge_scores),
        "seconds": spent["eap"],
        "transformer_lens_seconds": other,
        "ratio": other / spent["eap"],
        "ratio_eap_qk": other / spent["eap-qk"],
        "relative_difference_of_first_100": abs(totals["ours"] - totals["theirs"]) / totals["theirs"],
        "largest_score": largest,
    }


def known_circuits(seeds: int = 3) -> dict[str, dict[str, float]]:
    """Edge AUROC of every method on the hand-built models, mean over seeds; and what the true edges explain."""
    report: dict[str, dict[str, float]] = {}
    for name, make in KNOWN.items():
        values: dict[str, list[float]] = {}
        for seed in range(seeds):
            known = make(seed)
            question, graph = posed(known.model, known.pairs, "noising")
            edges = graph.edges
            for method in EDGE_METHODS:
                scores = edge_scores(question, graph, method).summed()[0]
                values.setdefault(method, []).append(auroc(scores[edges], known.truth[edges]))
            truth = circuit_metric(question, graph, known.truth[None, None])
            values.setdefault("faithfulness_of_the_truth", []).append(float(truth.faithfulness[0]))
        report[name] = {key: float(np.mean(found)) for key, found in values.items()}
    return report


def indirect_objects(pairs_used: int) -> dict[str, Any]:
    """Faithfulness over size on SmolLM2, both spans; seconds of the scores."""
    model, *_ = default_model("cpu")
    pairs = largest_group(align(load_bundled("ioi_abba"), model.tokenizer).pairs)
    question = circuit_question(model, pairs, CircuitSettings(most_pairs=pairs_used))
    graph = graph_of(model)
    scores = {method: edge_scores(question, graph, method) for method in EDGE_METHODS}
    report: dict[str, Any] = {
        "pairs": len(question.pairs),
        "seconds_a_pair": {m: s.seconds / len(question.pairs) for m, s in scores.items()},
    }
    direct = direct_logit_attribution(model, question.pairs)
    report["direct_parts_off_by"] = float(np.abs(direct.total() - direct.logits).max())
    for span, possible in (("summed", graph.edges[None]), ("position", graph.possible(min(question.starts), 13))):
        orders = {m: ranking(s.summed() if span == "summed" else s.values, possible) for m, s in scores.items()}
        orders["random"] = random_ranking(possible, np.random.default_rng(0))
        report[span] = {
            "edges": int(possible.sum()),
            **{name: faithfulness(question, graph, order, possible) for name, order in orders.items()},
        }
    ends = circuit_metric(question, graph, np.stack([graph.edges, ~graph.edges])[:, None])
    report["full_and_empty"] = ends.faithfulness.tolist()
    return report


def faithfulness(question: Question, graph: Graph, order: np.ndarray, possible: np.ndarray) -> dict[str, float]:
    """By share of the edges, the first of a ranking."""
    masks = [first_edges(order, round(share * len(order)), possible.shape) for share in SHARES]
    found = circuit_metric(question, graph, np.stack(masks))
    return {f"{share:g}": float(value) for share, value in zip(SHARES, found.faithfulness)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12, help="of the GPT-2 that TransformerLens handles, too")
    parser.add_argument("--pairs", type=int, default=6, help="of indirect objects; 0: leave them out")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "circuits.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = {
        "transformer_lens": against_transformer_lens(options.layers),
        "known_circuits_auroc": known_circuits(),
        "indirect_objects": indirect_objects(options.pairs) if options.pairs else None,
        "versions": {name: version(name) for name in ("torch", "transformers", "transformer-lens")},
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
