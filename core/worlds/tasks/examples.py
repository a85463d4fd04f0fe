"""Every example of goal misgeneralisation in the two papers: which world it is here, in what size, or why it is not.

Sources: Shah et al. 2022 (arXiv:2210.01790) and Langosco et al. 2022 (arXiv:2105.14111). A world here is a small one of
our own with the same two goals, never the paper's code.
"""

from __future__ import annotations

from dataclasses import dataclass

SHAH, LANGOSCO = "Shah et al. 2022", "Langosco et al. 2022"


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        name: in the paper.
        source: the paper.
        goals: what was meant and what was learned.
        world: the name of the world that stands for it here, None where there is none.
        here: in what size, and what differs; or why it is not here.
    """

    name: str
    source: str
    goals: str
    world: str | None
    here: str


EXAMPLES = (
    Example(
        "Monster gridworld",
        SHAH,
        "Eat apples, with shields only while monsters live; learned: collect shields.",
        "monsters",
        "The 14 x 14 board of the paper, 25 and 200 steps. A deep Q-network of three encodings instead of V-MPO with "
        "convolutions and memory; rules that the paper leaves open are stated with the world.",
    ),
    Example(
        "Tree gridworld",
        SHAH,
        "Fell trees so that the orchard lasts; learned first: fell as fast as possible.",
        "tree",
        "The 10 x 10 board and growth of the paper, in one life that never starts again. The late recovery that the "
        "paper reports at its smallest regrowth did not come in 1.28 million steps; with a larger regrowth it does.",
    ),
    Example(
        "Cultural transmission",
        SHAH,
        "Visit the spheres in the right order; learned: follow the partner.",
        "partner",
        "Four spheres on an 11 x 11 board instead of a 3-D world; exploration sometimes follows the partner, "
        "where the paper's agents have training aids of their own.",
    ),
    Example(
        "Evaluating linear expressions",
        SHAH,
        "Work out the value; learned: first ask a question, even one that is not needed.",
        "questions",
        "An analogue: a transformer of two layers that is trained from nothing on such dialogues, instead of Gopher "
        "(280 billion parameters) shown a few of them, which cannot be run here and is not public.",
    ),
    Example(
        "InstructGPT",
        SHAH,
        "Be helpful, truthful and harmless; possibly learned: be informative, even about harm.",
        None,
        "Not here: its weights are not public, and the authors themselves call it only possibly an example.",
    ),
    Example(
        "CoinRun",
        LANGOSCO,
        "Take the coin; learned: run to the right end of the level.",
        None,
        "Not here at its scale: 200 million steps on pictures of 100 000 levels are out of reach of a processor. The "
        "corner world shows the same, a goal that is always at one place in training.",
    ),
    Example(
        "Maze I: cheese in the corner",
        LANGOSCO,
        "Reach the cheese; learned: reach the corner.",
        "corner",
        "A 7 x 7 board with blocks and 4 000 levels, seen from the mouse, instead of pictures of made-up mazes; with "
        "the share of levels that have the cheese anywhere.",
    ),
    Example(
        "Maze II: colour or shape",
        LANGOSCO,
        "Reach the line; learned: reach what is yellow.",
        None,
        "Not here: which of two features of one thing a network prefers depends on seeing pictures, and on the seed.",
    ),
    Example(
        "Keys and chests",
        LANGOSCO,
        "Open chests; learned: collect keys, more than there are chests.",
        None,
        "Not here as a world of its own: monsters shows the same, a means (shields) that is collected for itself.",
    ),
)
