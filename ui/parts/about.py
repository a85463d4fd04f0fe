"""'About this figure': what one mark is, how it was computed, how to read it, and what it does not show."""

from __future__ import annotations

import streamlit as st

PAPER = (
    "J. Kramár, T. Lieberum, R. Shah and N. Nanda (2024), *AtP\\*: An efficient and scalable method for localizing LLM "
    "behaviour to components*, arXiv:2403.00745."
)

HEATMAP = """
**One cell** is the mean effect of patching one node, over all pairs: the change of the metric when the node's
activation is replaced by that of the other prompt (or by zeros or a mean, where that was chosen) and nothing else is
touched. Blue lowers the metric, red raises it.

**Computed** exactly, by running the model again from that node on, or estimated. AtP multiplies the change of the
activation by the gradient of the metric. The QK fix recomputes the softmax for queries and keys. GradDrop averages over
backward passes that each skip one layer, and has no sign. AtP\\* does both.

**Read** figures beside each other by colour: they share one range. With the other prompt as the donor, every
effect before the first differing token is 0; with zeros or means none needs to be.

**Linked prompts** of unequal length are compared token by token outside the spans in which they differ; a cell with
no source in the other prompt is empty. Only activations move. Queries and keys are computed anew for the position where
they are put, so that a patch changes what is asked or offered and not from where; all others are free of positions
already, but for the residual stream of models with learned position embeddings.

**Not shown**: what several nodes do together. Effects of single nodes need not add up, and a later node may take over
for a patched one.
"""

TRUST = """
**One point** is one node: its exact effect across, its estimate up. On the dotted line the estimate is right.

**Read** first what is missed. A node that matters and that the estimate ranks low will not be looked at again; a node
ranked too high costs one exact check. Spearman compares the order of all nodes, the overlap only the largest.

**Not shown**: nodes whose effect is 0 in both, which would raise every agreement for nothing.
"""

VERIFICATION = """
**One row** is one node at one token. *estimate* is the method's score, *exact* the mean effect over pairs of really
patching the node; it is empty where nobody has patched it yet. Verified nodes stand first, by their exact magnitude.

**Computed** in the order of the estimate. Then random subsets of the remaining nodes (each node in one of fifty) are
patched together; for every node the runs with it are compared with those without it, by Welch's one-sided t test. The
bound is the largest upper limit over all nodes not verified.

**Read** "sure of the first K" as: these K effects exceed the bound, so no other node can belong before them.

**Not shown**: interaction. Effects of subsets need not be sums, and the bound does not see by how much they are not.
"""

STUDY = """
**One line** is one method: the forward passes it has spent, estimate included, when the last of the true top K has been
patched exactly. An estimate that ranks a node too low pays for it at every K from there on.

**Computed** from the exact effects of all nodes. Random order, subsampling (random subsets), blocks (neighbouring nodes
together) and hierarchical (blocks of blocks) patch without gradients.

**Read** the distance to the dotted oracle. Under it, the bound: at every point it should lie above the black line.

**Not shown**: other models, and how far the order of the methods would change with other pairs of a task.
"""

MISSED = """
**One line** is one attention node that a repair raises above plain AtP and ranks at least twice as high: its
magnitude by AtP, by the repair, and when it is really patched.

**Computed** by one backward sweep for all estimates, then exact patching. The row of attention is recomputed with the
other run's query or key; the gradient's version is the tangent of the softmax at the unpatched run. The part through a
block is the effect less the effect while that block's write is held.

**Read** saturation where the patched row moves and the gradient's does not; cancellation where tall bars of opposite
sign add up to little. A false alarm is a node that the repair raised wrongly; it costs one exact check.

**Not shown**: nodes that both AtP and the repair miss. *Verify an estimate* bounds those.
"""

COVERAGE = """
**One point** is the share of 200 draws in which no effect outside the verified nodes exceeded the bound.

**Computed** with the exact effects of all nodes known. The nodes verified are the first by their true effect.

**Read** a point left of its black line as a bound that fails more often than it says: there, effects of subsets are not
sums, and more samples do not mend it.

**Not shown**: other pairs and models, on which the effects may add better or worse.
"""

NEURONS = """
**One bar** is the mean effect of one neuron at one token; whiskers are 95 % bootstrap intervals over pairs.

**Computed** by an estimate for all neurons at once, or exactly for all neurons of one layer and token.

**Not shown**: that the bars were picked for being large, which makes their intervals a little too hopeful.
"""

NODE = """
**By position**: the same head, neuron or write at every token; the band marks the token chosen.

**By pair**: one point a pair, so that a mean carried by a few pairs can be seen.

**Where its head looks** is the attention of the run that is patched. **What it writes** is the change of the logits at
that token if the write were taken out of the final residual stream: its direct effect, without what later layers
make of it.
"""

ATTENTION = """
**One cell** is how much the query token (row) attends to the key token (column); a row sums to 1. Value-weighted
multiplies each weight by the length of what the head would write from there, so that attention to a token that writes
nothing fades.

**Read** the difference as clean minus corrupt.

**Not shown**: whether the attention matters for the answer. That is what patching measures.
"""

TEXTS = {
    "heatmap": HEATMAP,
    "trust": TRUST,
    "verification": VERIFICATION,
    "study": STUDY,
    "missed": MISSED,
    "coverage": COVERAGE,
    "neurons": NEURONS,
    "node": NODE,
    "attention": ATTENTION,
}


def about(which: str, *, key: str = "") -> None:
    """A popover beside a figure."""
    with st.popover("About this figure", type="tertiary", key=f"about_{which}_{key}"):
        st.markdown(TEXTS[which] + ("" if which == "attention" else f"\n**Reference**: {PAPER}"))
