"""'About this figure' on the Similarity page."""

from __future__ import annotations

import streamlit as st

BOBU = (
    "A. Bobu, Y. Liu, R. Shah, D. S. Brown and A. D. Dragan (2023), *SIRL: Similarity-based implicit representation "
    "learning*, HRI 2023, arXiv:2301.00810"
)

CURVES = """
**One line** is one way to get a representation of a robot's behaviours. *Similarity* learns from answers to "which two
of these three are most alike?". *MultiPref-10* and *SinglePref* learn from as many preferences, spread over ten tasks
or about one. *VAE*, *random network* and *raw input* ask nobody; *true features* is the best that there is.

**Computed** with simulated people who know the true features. Networks (two hidden layers of 48, six outputs) take the
same steps whatever they learn from; only the half of the behaviours that questions show is used. On the other half:
*preference accuracy* is how often a reward, learned from 100 preferences on top of the representation, orders two
unseen behaviours right, over 20 rewards that no training has met; *feature error* is the error of a linear regression
to the true features, as a share of their variance; a triplet is *violated* where the pair that is truly most alike is
not the closest one.

**Read** lines at equal numbers of answers. Where intervals overlap, nothing is decided.

**Not shown**: how tiring an answer is. Saying which two are alike and saying which is better need not cost the same.
Where the objects stand, how the arm moves, and means along the path are choices made here; the published numbers were
not at hand. On GridRobot the autoencoder depends on its settings more than the others: with other weights of its two
losses and a lower learning rate its preference accuracy lay between 0.70 and 0.81, the upper end near that of 100
similarity answers.
"""

MAP = """
**One point** is one of the world's behaviours, those that questions never show among them. Close together means alike,
as the network has learned from the answers so far.

**Computed** by four networks that differ in their first weights and learn from every five answers; drawn are the first
one's two principal components, of six dimensions.

**Read** whether colour changes evenly over the map: then the answers have taught that feature.

**Not shown**: the other four dimensions. A feature may be known that two components do not show.
"""

REWARD = """
**One point** is a behaviour, its colour the reward learned from your preferences: in units of its standard deviation
over all behaviours.

**Computed** by Bradley-Terry (logistic regression) on top of each of the four networks, whose rewards are averaged; the
networks themselves stay as the similarity answers left them.

**Read** the best and the worst behaviour: if they are not what you meant, a feature is missing from the representation
or more preferences are needed.

**Not shown**: how sure the reward is. A handful of preferences leaves much open.
"""

TEXTS = {"curves": CURVES, "map": MAP, "reward": REWARD}


def about_similarity(which: str) -> None:
    """A popover beside a figure."""
    with st.popover("About this figure", type="tertiary", key=f"about_similarity_{which}"):
        st.markdown(f"{TEXTS[which]}\n**Reference**: {BOBU}")
