"""'About this figure' on the Goals page, and what the paper says."""

from __future__ import annotations

import streamlit as st

CLAIM = (
    "**The paper**: an agent can keep its skill and lose the point. Training rewards two goals alike, the one that was "
    "meant (*intended*) and another (*proxy*); where a test parts them, the agent competently follows the proxy."
)
LIMITS = (
    "Shares: 0 % is what random actions bring in the same test, 100 % what the goal's own script brings. A verdict "
    "is of these agents, this world and this test. A condition holds where its whole 95 % interval is beyond its bar; "
    "more seeds narrow it."
)
NOTES = {
    "partner": "The intended script knows the hidden order, which agents do not: 80 % of its return asks much.",
    "tree": "The greedy script earns much less here than the sustainable one, which is the better script.",
    "monsters": "Random actions lose so much in 200 steps that shares hardly tell the goals apart: read the returns "
    "(a click on “Random actions” in a legend takes them off the figure).",
}
SHAH = (
    "R. Shah, V. Varma, R. Kumar, M. Phuong, V. Krakovna, J. Uesato and Z. Kenton (2022), *Goal misgeneralization*, "
    "arXiv:2210.01790"
)
LANGOSCO = (
    "L. Langosco, J. Koch, L. Sharkey, J. Pfau and D. Krueger (2022), *Goal misgeneralization in deep reinforcement "
    "learning*, ICML 2022, arXiv:2105.14111"
)

RETURNS = """
**One mark** is the mean return an episode of the agents of one training, with its 95 % interval; open circles are
single seeds. Lines are scripts in the same test: one follows the intended goal, one the proxy, one moves at random.

**Computed** from fresh episodes that no training has met. Tests mix a small share of random actions into everybody's
play, scripts' too, so that nobody is judged on one chain of moves. Intervals redraw seeds and episodes.

**Read** the panel of training first: there agents should be near the better script. Where the return under a shift
falls towards random, look at the proxy goal's return: if that stays high, the skill is there and the point is lost.

**Not shown**: why. A script is one good way to follow a goal, not the best that there is.
"""

AGAINST = """
**One dot** is an agent: its mean proxy return (across) and intended return (up) in one test; crosses are scripts.

**Read** which cross an agent stands beside. Right and low is a proxy followed with skill; left and low is no skill.

**Not shown**: spread between episodes; the table of numbers has intervals.
"""

CURVES = """
**One line** is an agent: what either goal would have paid a step while it learned, exploring actions included.

**Read** whether learning has come to its end. Only the training's reward is learned from; the other goal is watched.

**Not shown**: what the agent does under the tests' shifts.
"""

AFFINITY = """
**One line** is how readily one woodcutter fells with so many trees standing, over training. 1 fells as the greedy
script does, 0 as random actions do, below 0 it keeps from trees. Below: trees that stand in its training worlds.

**Read** the course: felling everywhere comes first, then the orchard is bare. Whether the orchard of training recovers
depends on how fast bare ground grows back: at the paper's smallest regrowth it did not within the training here.

**Not shown**: what a woodcutter would learn in many more steps.
"""

PLACES = """
**One cell** is the board with the agent standing there and everything else as it is: the arrow is the action with the
highest Q, the colour that Q.

**Computed** by asking the network once a cell. Q is the discounted reward that it expects.

**Read** where arrows lead. If they lead to the corner wherever the cheese lies, the corner is what was learned.

**Not shown**: that some of these places cannot be reached, or have never been seen in training.
"""

TRAINING = """
**Agents** are dueling double deep Q-networks with two hidden layers; seeds, and trainings that look alike, learn side
by side as one batch. They learn from the training's reward alone.

**An aid that must be told**: in the partner world half of the exploring actions follow the partner for a while;
with plain random exploration agents learned to keep away from all spheres.

**Stopped** trainings keep their checkpoint and go on to the same curve.
"""

TEXTS = {
    "returns": RETURNS,
    "against": AGAINST,
    "curves": CURVES,
    "affinity": AFFINITY,
    "places": PLACES,
    "training": TRAINING,
}


def about_goals(which: str) -> None:
    """A popover beside a figure."""
    title = "How agents learn" if which == "training" else "About this figure"
    with st.popover(title, type="tertiary", key=f"about_goals_{which}"):
        st.markdown(f"{TEXTS[which]}\n**References**: {SHAH}. {LANGOSCO}.")
