"""'About this figure' on the Knowledge page."""

from __future__ import annotations

import streamlit as st

PAPERS = """
**References**: S. Farquhar, V. Varma, Z. Kenton, J. Gasteiger, V. Mikulik and R. Shah (2023), *Challenges with
unsupervised LLM knowledge discovery*, arXiv:2312.10029. C. Burns, H. Ye, D. Klein and J. Steinhardt (2022),
*Discovering latent knowledge in language models without supervision*, arXiv:2212.03827.
"""

VIOLINS = """
**One point** is one probe (a seed of CCS, of k-means, or a random direction): how often its answers match the truth
(filled) and the distractor (hollow). An unsupervised probe does not know which of its two sides is true, so the share
a is shown as max(a, 1 − a), whose floor for coin flips lies above one half (dotted).

**Computed** on the last token of each prompt of a pair. Normaliser and probes are fitted on part of the groups; shown
are the items held out. Logistic regression and mass-mean see labels; theirs are answers over five folds of groups. The
model's own answer compares the two answers' first tokens, raw or against the median of the fitted part.

**Read** the jump from the left pair to the right pair: if filled falls to one half and hollow rises to 1, the method
now reads the distractor. A high value on the default prompts is then no sign of knowledge.

**Not shown**: statements of other kinds and models of other sizes.
"""

COMPONENTS = """
**One point** is one item: the difference between its two activations, x₊ − x₋, along the first two principal
components of the fitted part. PCA as a probe reads which side of the vertical line a point lies on.

**Read** the colours from above to below: what parts the points along PC1 is what PCA calls knowledge.

**Not shown**: later components, where the truth often still is.
"""

SWEEP = """
**One line** is one method's mean accuracy over seeds, held out; bands run from the 10th to the 90th percentile of
seeds. Layer 0 is the embedding of the last token and must lie at chance.
"""

LOSS = """
**One point** is one seed of CCS. If a low loss were a sign of truth, filled points would rise to the left. The theorems
below say why it need not be.
"""

ITEMS = """
Scores are in standard deviations over items, averaged over seeds, each seed turned to the side that fits all labels
better: this table is for looking, not for judging.
"""

DIRECTIONS = """
**Tokens**: the change of the logits when the mean residual stream of this layer moves along the direction, read through
the model's own final norm and unembedding, as if no later layer did anything.

**Steering** is the causal check: the direction is added at the last token before the answer, and the model runs on. If
the logit difference does not move more than for random directions, the probe reads something that the model does not
use there.
"""

AUDIT = """
**Checks** follow the paper: answers must survive another wording and another speaker; they must hold on groups that
were held out; something prominent that has nothing to do with the truth must not take its place. Under each distractor
our own methods are fitted anew, without labels, as in the paper. A probe from a file is read as it is. Prompts of a
condition are centred on their own fitted part, without labels.

**Read** *passed* as "not caught by this check". Other features than those tried here may still distract.
"""

THEOREMS = """
**Theorem 1**: for any yes/no h of the questions, the probe p(x₊) = h, p(x₋) = 1 − h has CCS loss 0. **Theorem 2**: any
probe can be turned into one that says anything one likes, at the same symmetric loss; the original loss lacks the
symmetry. **Random labellings** show the same within linear probes: with more dimensions than items every labelling is
fitted, and none is found again on held-out items. **Planted features** show what decides instead: variance.
"""

TEXTS = {
    "violins": VIOLINS,
    "components": COMPONENTS,
    "sweep": SWEEP,
    "loss": LOSS,
    "items": ITEMS,
    "directions": DIRECTIONS,
    "audit": AUDIT,
    "theorems": THEOREMS,
}


def about(which: str) -> None:
    """A popover beside a figure."""
    with st.popover("About this figure", type="tertiary", key=f"about_knowledge_{which}"):
        st.markdown(TEXTS[which] + PAPERS)
