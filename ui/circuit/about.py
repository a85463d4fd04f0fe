"""'About this figure' on the Circuit page."""

from __future__ import annotations

import streamlit as st

DRAWING = """
**A line** is one edge: what a head or MLP (or the embedding) adds to the residual stream at a token, read by a query,
key, value, MLP or the logits at the same token. Width and colour are the estimated change of the metric when that edge
alone is patched; blue lowers it, red raises it. Grey lines join keys and values to heads that attend to them later.

**Computed** by gradients. EAP multiplies the change of the write by the gradient at the reader's input. EAP-IG averages
the gradient between the two runs. The QK fix recomputes the softmax for edges into queries and keys, which
saturated attention hides from a gradient.

**Read** the first edges as candidates, and the number beside the drawing as the test.

**Not shown**: edges below the slider, and what edges do together. Keys and values are the model's own kv heads; a
group of query heads shares them.
"""
CURVE = """
**One point** is a circuit: the first edges of a ranking, run with the corrupt write on every other edge. Faithfulness
is its share of the gap between clean and corrupt runs; completeness the share that is lost when only the circuit is
corrupted.

**Read** a method as better when it reaches 1 with fewer edges. Values above 1 or below 0 are real: left-out edges can
work against the answer.

**Not shown**: other ways of taking edges out (zero, mean), other pairs. A faithful circuit need not be the only one.
"""
TEXTS = {"drawing": DRAWING, "curve": CURVE}
PAPER = (
    "A. Syed, C. Rager and A. Conmy (2023), *Attribution patching outperforms automated circuit discovery*; M. Hanna, "
    "S. Pezzelle and Y. Belinkov (2024), *Have faith in faithfulness*; J. Kramár and others (2024), *AtP\\**."
)


def about(which: str) -> None:
    """A popover beside a figure."""
    with st.popover("About this figure", type="tertiary", key=f"about_circuit_{which}"):
        st.markdown(f"{TEXTS[which]}\n**Reference**: {PAPER}")
