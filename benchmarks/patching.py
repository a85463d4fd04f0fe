"""The engine against TransformerLens, in one process: ``make bench``, or on a GPU
``python -m benchmarks.patching --model random-llama-1b --device cuda``.

Writes ``benchmarks/results/patching.json`` (or ``--out``). Nothing else may run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.models import MODELS
from benchmarks.timing import matrix_product_peak, seconds
from core.models.load import LoadedModel
from core.patching.cost import sweep_tokens
from core.prompts.pairs import PairSet, TokenPair
from core.runs.execute import execute, make_spec
from core.terms import Method, NodeKind

KINDS: tuple[NodeKind, ...] = ("z", "mlp_out")
ALL_HEADS: tuple[NodeKind, ...] = ("q", "k", "v", "z")
SAMPLED_CELLS = 24


def run(model: LoadedModel, pair: TokenPair, method: Method, nodes: tuple[NodeKind, ...] = KINDS) -> Any:
    spec = make_spec(model, PairSet("", ()), metric="logit_diff", direction="noising", nodes=nodes, method=method)
    return execute(spec, model, (pair,))


def logit_diff(pair: TokenPair):
    return lambda logits: logits[0, -1, pair.answer_id] - logits[0, -1, pair.distractor_id]


def exact_against_transformer_lens(model: LoadedModel, pair: TokenPair, peak: float) -> dict[str, float]:
    """The whole sweep of z and mlp_out against TransformerLens's sweep, the latter from a sample of cells."""
    ours = seconds(lambda: run(model, pair, "exact"), repeats=2)
    result = run(model, pair, "exact")
    cells = sum(array[0].size for array in result.effects.values())
    theirs = [transformer_lens_cells(model, pair, kind, result.effects[kind][0]) for kind in KINDS]
    share = [result.effects[kind][0].size / cells for kind in KINDS]
    per_cell = sum(part * one["seconds_per_cell"] for part, one in zip(share, theirs))
    useful = block_flops(model) * sum(
        sweep_tokens(model.shape, KINDS, position, len(pair)) for position in range(pair.first_difference, len(pair))
    )
    return {
        "tokens": len(pair),
        "first_difference": pair.first_difference,
        "cells": cells,
        "seconds": ours,
        "transformer_lens_seconds_per_cell": per_cell,
        "ratio": per_cell * cells / ours,
        "max_abs_difference": max(one["max_abs_difference"] for one in theirs),
        "peak_fraction": useful / ours / peak,
    }


def block_flops(model: LoadedModel) -> float:
    """Matrix-product FLOPs of one token through one block (attention scores left out)."""
    return 2.0 * sum(p.numel() for p in model.parts.blocks[0].parameters() if p.ndim == 2)


def transformer_lens_cells(model: LoadedModel, pair: TokenPair, kind: NodeKind, ours: np.ndarray) -> dict[str, float]:
    """TransformerLens's own patching of a random sample of cells: time a cell, and agreement with ours."""
    from transformer_lens import patching

    rng = np.random.default_rng(0)
    clean, corrupt = (torch.tensor([ids], device=model.device) for ids in (pair.clean_ids, pair.corrupt_ids))
    _, cache = model.bridge.run_with_cache(corrupt)
    shape = ours.shape if kind == "z" else ours.shape[:2]
    sample = np.stack([rng.integers(0, size, SAMPLED_CELLS) for size in shape], axis=1)
    sample[:, 1] = rng.integers(pair.first_difference, len(pair), SAMPLED_CELLS)  # cells with an effect
    columns = ["layer", "pos", "head_index"][: len(shape)]
    setter = patching.layer_pos_head_vector_patch_setter if kind == "z" else patching.layer_pos_patch_setter

    def sweep(rows: np.ndarray) -> torch.Tensor:
        with torch.no_grad():
            return patching.generic_activation_patch(
                model.bridge, clean, cache, logit_diff(pair), setter, kind, index_df=pd.DataFrame(rows, columns=columns)
            )

    spent = seconds(lambda: sweep(sample), repeats=2) / SAMPLED_CELLS
    with torch.no_grad():
        base = logit_diff(pair)(model.bridge(clean))
    expected = (sweep(sample) - base).cpu().numpy()
    found = np.array([ours[tuple(cell) if kind == "z" else (*cell, 0)] for cell in sample])
    return {"seconds_per_cell": spent, "max_abs_difference": float(np.abs(found - expected).max())}


def attribution(model: LoadedModel, pair: TokenPair) -> dict[str, float]:
    """The AtP family in units of one plain forward and backward of the clean prompt, weights frozen."""
    unit = seconds(lambda: forward_backward(model, pair), repeats=7)
    taken = {
        method: seconds(lambda m=method: run(model, pair, m, ALL_HEADS), repeats=7) for method in ("atp", "atp-star")
    }
    taken["atp_z_mlp"] = seconds(lambda: run(model, pair, "atp"), repeats=5)
    taken["atp_star_z_mlp"] = seconds(lambda: run(model, pair, "atp-star"), repeats=5)
    theirs = seconds(lambda: transformer_lens_attribution(model, pair), repeats=3)
    return {
        "unit_seconds": unit,
        "atp_units": taken["atp"] / unit,
        "atp_star_units": taken["atp-star"] / unit,
        "atp_seconds": taken["atp"],
        "atp_star_seconds": taken["atp-star"],
        "transformer_lens_attribution_seconds": theirs,
        "attribution_patch_over_atp": theirs / taken["atp_z_mlp"],
        "attribution_patch_over_atp_star": theirs / taken["atp_star_z_mlp"],
    }


def forward_backward(model: LoadedModel, pair: TokenPair) -> None:
    embedded = model.hf.get_input_embeddings()(torch.tensor([pair.clean_ids], device=model.device))
    leaf = embedded.detach().requires_grad_()
    logits = model.hf(inputs_embeds=leaf, use_cache=False).logits
    torch.autograd.grad(logit_diff(pair)(logits), leaf)


def transformer_lens_attribution(model: LoadedModel, pair: TokenPair) -> None:
    """Their node sweep: embedding, z and MLP writes, by the denoising direction."""
    from transformer_lens.tools.analysis.attribution_patching import attribution_patch

    clean, corrupt = (torch.tensor([ids], device=model.device) for ids in (pair.clean_ids, pair.corrupt_ids))
    embedding = model.hf.get_input_embeddings().weight
    embedding.requires_grad_(True)  # with every weight frozen their graph would be empty
    try:
        attribution_patch(model.bridge, clean, corrupt, logit_diff(pair))
    finally:
        embedding.requires_grad_(False)


def peak_memory(model: LoadedModel) -> float:
    """MiB: of the process on a CPU, allocated on a GPU."""
    if model.device.type == "cuda":
        return torch.cuda.max_memory_allocated(model.device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


HOW = {
    "exact_late_ratio": "TransformerLens generic_activation_patch seconds a cell (mean of a random sample of cells "
    "with an effect, kinds weighted by their cells) times all cells of z and mlp_out, over seconds of our whole "
    "sweep; both best of two runs in this process",
    "exact_early_ratio": "the same on a pair that differs from its second token on",
    "max_abs_difference": "largest difference of a sampled effect from TransformerLens's, both pairs (logits)",
    "peak_fraction": "matrix-product FLOPs of the early sweep (weights of the blocks only) over its seconds, over the "
    "best rate of float32 matrix products kept up for a second in this process",
    "atp_units": "seconds of AtP of q, k, v, z on the late pair, base runs included, over one plain forward and "
    "backward of the clean prompt with frozen weights (all logits computed); best of seven",
    "atp_star_units": "the same for AtP*",
    "attribution_patch_over_atp": "TransformerLens attribution_patch (nodes) over our AtP of z and mlp_out",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2-135m", choices=MODELS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "patching.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, late, early = MODELS[options.model](options.device)
    loaded = peak_memory(model)
    peak = matrix_product_peak(model.device)
    run(model, early, "exact")
    run(model, early, "atp-star", ALL_HEADS)
    ours = peak_memory(model)
    exact = {
        name: exact_against_transformer_lens(model, pair, peak) for name, pair in (("late", late), ("early", early))
    }
    estimates = attribution(model, late)
    report = {
        "exact_late_ratio": exact["late"]["ratio"],
        "exact_early_ratio": exact["early"]["ratio"],
        "max_abs_difference": max(one["max_abs_difference"] for one in exact.values()),
        "peak_fraction": exact["early"]["peak_fraction"],
        "atp_units": estimates["atp_units"],
        "atp_star_units": estimates["atp_star_units"],
        "attribution_patch_over_atp": estimates["attribution_patch_over_atp"],
        "exact": exact,
        "attribution": estimates,
        "memory_mib": {"model_loaded": loaded, "our_sweeps": ours, "with_transformer_lens": peak_memory(model)},
        "machine": {
            "device": torch.cuda.get_device_name() if model.device.type == "cuda" else platform.processor() or "cpu",
            "threads": options.threads,
            "matrix_product_peak_gflops": peak / 1e9,
            "versions": {name: version(name) for name in ("torch", "transformers", "transformer-lens")},
            "model": model.card.to_json(),
        },
        "how": HOW,
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({key: value for key, value in report.items() if isinstance(value, float)}, indent=1))


if __name__ == "__main__":
    main()
