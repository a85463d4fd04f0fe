"""'About this figure' on the Grokking page."""

from __future__ import annotations

import streamlit as st

VARMA = (
    "V. Varma, R. Shah, Z. Kenton, J. Kramár and R. Kumar (2023), *Explaining grokking through circuit efficiency*, "
    "arXiv:2309.02390"
)
NANDA = (
    "N. Nanda, L. Chan, T. Lieberum, J. Smith and J. Steinhardt (2023), *Progress measures for grokking via "
    "mechanistic interpretability*, arXiv:2301.05217"
)

CURVES = """
**One line** is one network, measured on every pair of the table at about a hundred steps. A step sees all training
pairs once (full batch).

**Computed** with AdamW, weight decay on every weight. Networks of a row train side by side, each from its own seed,
which decides weights and training pairs. The loss is shifted by the right logit, so that it stays exact when it is
tiny.

**Read** along a logarithmic step axis: grokking is the gap between the two accuracies.

**Not shown**: what happens between two measured steps; a short spike may fall between them.
"""

UNGROK = """
**One mark** is a network that knew the whole table, trained on with only so many of its pairs: its accuracy on the
others at the end.

**Read** where the lines pass the middle. If weight decay does not matter for the end point, they lie on each other.

**Not shown**: that the end is one. Runs near the threshold may still be falling; the curves below tell.
"""

EFFICIENCY = """
**One mark** is a finished network. Those on random labels can only memorise, so their whole norm is memory's; those on
true labels that get all unseen pairs right are nearly all solution.

**Read** the slope: memory's norm grows with the number of pairs, the solution's should not. Left of the crossing
memorising is cheaper, right of it the solution is; that is the estimate of the critical size.

**Not shown**: parts of a network that do neither. The last part of training is annealed, so that norms are settled.
"""

LOGITS = """
**One mark** is a finished network: the mean logit of the right answer, above the mean of all answers, over its
training pairs, against the norm of all weights. More logit for less norm is more efficient. Weight decay moves a
network along its family's curve.
"""

INSIDE = """
**Circles**: a network that adds modulo p by rotation puts its symbols on circles, symbol t at angle 2πkt/p for each key
frequency k.

**Neurons**: a neuron of the solution is a wave in x and y of one frequency; a memorising one is speckled.

**Logits by frequency**: the share of the logits' squared length along cos(2πk(x + y − c)/p). Their sum is the trig
fraction: 1 for a hand-made solution, near 0 for random weights. It flatters a network that also memorises.

**Measures**: the restricted loss falls once the solution exists, before unseen pairs are right; the excluded loss rises
as training pairs come to rely on it; the Gini coefficient rises as few frequencies carry everything.
"""

SIMULATION = """
**Computed**: gradient descent on two scalars, the strengths of a generalising and a memorising circuit, each a
product of two factors. The paper's three ingredients are the sliders: both exist, one needs less norm, one is slower.

**Read** the end ratio against its closed form M / G = (P_g / P_m)^(2 / (r − 1)), r = 2 / κ.

**Not shown**: that networks consist of two such circuits. Step and start values are choices; they scale time.
"""

TEXTS = {
    "curves": (CURVES, VARMA),
    "ungrok": (UNGROK, VARMA),
    "efficiency": (EFFICIENCY, VARMA),
    "logits": (LOGITS, VARMA),
    "inside": (INSIDE, NANDA),
    "simulation": (SIMULATION, VARMA),
}


def about_grokking(which: str) -> None:
    """A popover beside a figure."""
    text, reference = TEXTS[which]
    with st.popover("About this figure", type="tertiary", key=f"about_grokking_{which}"):
        st.markdown(f"{text}\n**Reference**: {reference}")
