"""'About this figure' on the Multiple choice page."""

from __future__ import annotations

import streamlit as st

PAPER = """
**Reference**: T. Lieberum, M. Rahtz, J. Kramár, N. Nanda, G. Irving, R. Shah and V. Mikulik (2023), *Does circuit
analysis interpretability scale? Evidence from multiple choice capabilities in Chinchilla*, arXiv:2307.09458.
"""

TEXTS = {
    "Labels": """
**One bar** is one way of labelling the questions: how often the label of the first, second, third and fourth option has
the highest of the four logits. Every question is asked four times with its options moved on, so each is right in a
quarter of the prompts.

**Read** a wide colour as a preference for a label or place. A model with one is right in a quarter of the prompts
without looking at the options; the corrected accuracy takes each label's mean logit away first.

**Not shown**: whether the model knows the answer in its own words. *Find the word* asks nothing that must be known.
""",
    "Output nodes": """
**One bar** is a head or MLP at the last token: what it writes into the right label's logit beyond the other three.
**One point** below is the same node ablated: across, only its own write is exchanged; up, later layers see it, too.

**Read** points above the diagonal with no direct effect as nodes that feed others. Resampling stays within what the
model has met; zero does not, and is shown because others report it.

**Not shown**: what the nodes do at other tokens, and what several of them do together (see the curve below it).
""",
    "Heads": """
**One block** of four rows is a head, a row for each right option; columns are kinds of tokens. Darker: more of the
head's value-weighted attention from the last token.

**Read** a dark diagonal on labels as a head that looks at the right label (*correct letter*), on texts as one that
looks at the right option (*content gatherer*); the same column in all rows as *single letter*; even labels as
*uniform*; the last tokens as *amplification*. The names come from fixed thresholds, written in the code.

**Not shown**: what the head moves from there.
""",
    "Subspaces": """
**One line** is one way to choose r directions: the head's vectors keep only their part in them (around their mean), the
head attends anew, and everything after it runs again. **The scatter** shows the vectors themselves in three directions.

**Read** the lines against the controls: a subspace means something where it beats random directions and means of
shuffled places, and on questions on which it was not fitted. Recovered loss alone flatters: resampling promotes a wrong
label, so that even rank 0 recovers much. Right answers are the harder measure.

**Not shown**: other tokens' keys; they stay as they are.
""",
    "Mutations": """
**One group** is one way of writing the same held-out questions. The subspace was fitted on standard prompts of other
questions.

**Read** low rank against random: where it is no better, the three directions do not carry what the head does there.
Where the unpatched model fails (digits, for the toy), nothing can be said of the head.
""",
    "Training": """
**One line** is the toy's accuracy on fresh questions with other labels while it was trained by the script that comes
with the app (`python -m core.labs.multiple_choice.toy.train`).

**Read** how late and how far what was learned on A to D carries over to other labels: random letters follow behind,
digits, which no training prompt holds, never come.
""",
}


def about(which: str) -> None:
    """A popover beside a figure."""
    with st.popover("About this figure", type="tertiary", key=f"about_mc_{which}"):
        st.markdown(TEXTS[which] + PAPER)
