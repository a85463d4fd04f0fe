"""The methods section of a report, in words, from the runs that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.patching.results.result import AttributionResult
from core.patching.results.told import AVERAGE_WORDS
from core.patching.spec import Screen
from core.prompts.show import answers_words
from core.terms import Direction, Donor, Method, MetricName, NodeKind, Spans

PAPER = (
    "J. Kramár, T. Lieberum, R. Shah and N. Nanda (2024), AtP*: An efficient and scalable method for localizing LLM "
    "behaviour to components, arXiv:2403.00745."
)
METHODS_SAY: dict[Method, str] = {
    "exact": "Exact patching replaced each node, one at a time, and ran the model again from there on.",
    "atp": "AtP estimated each effect to first order: the change of the activation times the gradient of the metric.",
    "atp-qk": "AtP with the QK fix estimated effects to first order, with the attention softmax recomputed exactly "
    "for queries and keys.",
    "atp-graddrop": "AtP with GradDrop averaged the magnitude of first-order estimates over backward passes that each "
    "skip one layer; its scores have no sign.",
    "atp-star": "AtP* combined the QK fix and GradDrop; its scores are mean magnitudes and have no sign.",
}
DIRECTIONS_SAY: dict[Direction, str] = {
    "noising": "Noising: the activation of the corrupt prompt was put into the run on the clean prompt.",
    "denoising": "Denoising: the activation of the clean prompt was put into the run on the corrupt prompt.",
}
# Donors other than the corrupt prompt; they always go into the clean run.
DONORS_SAY: dict[Donor, str] = {
    "zero": "Zeros were put in place of the activation in the run on the clean prompt.",
    "mean": "In the run on the clean prompt, the activation was replaced by its mean over all clean prompts of the set "
    "and over their positions from the second on; queries and keys were averaged after rotary embedding.",
    "mean-position": "In the run on the clean prompt, the activation was replaced by its mean, at the same position, "
    "over all clean prompts of the set with as many tokens.",
}
_LINKED = (
    "Prompts of unequal length were linked token by token outside the spans in which they differ; queries and keys "
    "from another position were computed for the position that they were put at. "
)
SPANS_SAY: dict[Spans, str] = {
    "last": f"{_LINKED}Of a differing span, the last token was patched with the last token of the other span.",
    "mean": f"{_LINKED}Every token of a differing span was patched with the mean over the other span.",
    "skip": f"{_LINKED}Differing spans were not patched.",
}
METRICS_SAY: dict[MetricName, str] = {
    "logit_diff": "The metric is the logit of the answer minus that of the distractor after the last token.",
    "logit_diff_lse": "The metric is the log-sum-exp of the answers' logits minus that of the distractors' logits "
    "after the last token.",
    "prob_diff": "The metric is the probability of the answers minus that of the distractors after the last token.",
    "log_prob": "The metric is the log-probability of the answer after the last token.",
    "prob": "The metric is the probability of the answer after the last token.",
    "answer_log_prob": "The metric is the log-probability of the whole answer after the prompt: the sum over its "
    "tokens, each given those before it (teacher forcing). Only positions of the prompt were patched.",
    "kl": "The metric is the KL divergence from the clean run's prediction after the last token.",
}
NODES_SAY: dict[NodeKind, str] = {
    "q": "the queries of each head",
    "k": "the keys of each key–value head",
    "v": "the values of each key–value head",
    "z": "the output of each head",
    "neuron": "single MLP neurons",
    "attn_out": "the attention output of each layer",
    "mlp_out": "the MLP output of each layer",
    "resid_pre": "the residual stream before each layer",
}


def methods_text(results: Sequence[AttributionResult]) -> tuple[str, ...]:
    """One paragraph a model and pair set, then the definitions that these runs need, then the reference."""
    if not results:
        return ()
    paragraphs = list(dict.fromkeys(map(_what_was_run, results)))
    specs = [result.spec for result in results]
    paragraphs.append(_once(DONORS_SAY.get(spec.donor) or DIRECTIONS_SAY[spec.direction] for spec in specs))
    paragraphs.append(_once(SPANS_SAY[spec.spans] for spec in specs if spec.spans is not None))
    paragraphs.append(_once(_metric_says(result) for result in results))
    paragraphs.append(_once(METHODS_SAY[spec.method] for spec in specs))
    if any(spec.screen for spec in specs):
        paragraphs.append(_once(_screen_says(spec.screen) for spec in specs if spec.screen))
    paragraphs.append(
        "An effect is the metric of the patched run minus that of the unpatched run. Nodes were patched at single "
        "token positions; effects of single nodes need not add up to the effect of patching them together."
    )
    if any(spec.method != "exact" for spec in specs):
        paragraphs.append(f"AtP and AtP*: {PAPER}")
    return tuple(filter(None, paragraphs))


def _metric_says(result: AttributionResult) -> str:
    read = answers_words(result.spec.metric, (run.tokens for run in result.pairs))
    return METRICS_SAY[result.spec.metric] + (f" It read: {read}." if read else "")


def _screen_says(screen: Screen) -> str:
    text = (
        f"The estimate's first {screen.count} nodes of each family (attention, neurons, whole writes), by "
        f"{AVERAGE_WORDS[screen.average]}, were patched exactly."
    )
    if not screen.samples:
        return text
    return f"{text} {screen.samples} random subsets of the others bound what they can hide, if effects add up."


def _once(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentences))


def _what_was_run(result: AttributionResult) -> str:
    spec, card = result.spec, result.provenance.get("model")
    name = card.get("name", spec.model) if isinstance(card, dict) else spec.model
    nodes = ", ".join(NODES_SAY[kind] for kind in spec.nodes)
    lengths = sorted(result.groups())
    tokens = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    return (
        f"{name} (revision {spec.revision}, {spec.dtype}) was run on {len(result.pairs)} prompt pairs of "
        f"{tokens} tokens. Patched were {nodes}."
    )
