"""'About this figure' on the Readouts page."""

from __future__ import annotations

import streamlit as st

DIRECT = """
**One cell** is what one head or MLP writes straight into the logit difference (answer minus distractor): its write,
times the direction that the two logits read, with the final norm's scale held at the run's own value.

**Read** red as favouring the answer. All cells, the embedding and the biases sum to the model's logit difference.

**Not shown**: indirect effects. A head that feeds a later head writes little here and can matter most; patching
(Attribution, Circuit) measures that. The norm's scale itself depends on every write, and is held fixed.
"""
SOURCES = """
**One cell** is the part of the head's write that comes from one attended token: the attention weight times what the
value there writes into the logit difference.

**Read** a row as one query; it sums to the head's part at that token.
"""
LENS = """
**One cell** is the residual stream after a layer at one token, read by the final norm and unembedding as if it were the
last. The top row is the model's answer.

**Not shown**: that early layers need not write in the unembedding's terms. What cannot be read there may be there.
"""
WORDS = """
**A row** is one token of the prompt, alone: its embedding, or after block 0 for heads above. *It raises* reads what the
head would write if it attended to that token alone; *it looks for* reads which tokens' keys its query there prefers,
at the same place.

**Ranks** are over the tokens of lowest id, for byte-pair vocabularies the commonest, and the prompt's own.

**Not shown**: context. What the head does in the prompt is below, and on the Attention page.
"""
TEXTS = {"direct": DIRECT, "sources": SOURCES, "lens": LENS, "words": WORDS}
PAPER = (
    "nostalgebraist (2020), *Interpreting GPT: the logit lens*; N. Elhage and others (2021), *A mathematical framework "
)
PAPER += "for transformer circuits*."


def about(which: str, *, key: str = "") -> None:
    """A popover beside a figure."""
    with st.popover("About this figure", type="tertiary", key=f"about_{which}_{key}"):
        st.markdown(f"{TEXTS[which]}\n**Reference**: {PAPER}")
