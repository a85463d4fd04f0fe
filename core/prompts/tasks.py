"""The six bundled behaviours as random drawers: ``draw(rng) -> PromptPair``.

In every pair the corrupt prompt is a question of the same kind whose right answer is the distractor, so each run has
something definite to say. Wordings of one behaviour are chosen to have the same number of tokens in the default
model's vocabulary, and every answer to be one token.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from core.prompts.pairs import PromptPair

Draw = Callable[[Generator], PromptPair]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = _words(
    "Mary John Tom James Emma Anna Alice Sarah David Michael Robert Peter Paul Kate Lisa Laura Daniel Jack Jane Ruth "
    "Simon Adam Henry George Edward Susan Karen Amy Kevin Brian Scott Eric Joseph William Thomas Helen Julia Maria "
    "Rachel Lucy Oliver Ben Sam Max Martin Frank Alan Victor Arthur Philip Diana Claire Linda"
)
PLACES = _words(
    "garden kitchen library museum market station hotel school office park bakery beach farm theatre harbour church "
    "castle bank island forest hospital village court shop gym pool"
)
THINGS = _words(
    "book ring map ticket letter key coin gift cup phone pen lamp ball hat candle basket flower radio camera card "
    "blanket guitar sandwich lantern medal"
)
IOI_WORDINGS = (
    "When {first} and {second} reached the {place}, {giver} handed the {thing} to",
    "After {first} and {second} left the {place}, {giver} gave a {thing} to",
    "While {first} and {second} cleaned the {place}, {giver} showed a {thing} to",
    "Once {first} and {second} entered the {place}, {giver} offered a {thing} to",
    "Because {first} and {second} liked the {place}, {giver} sent a {thing} to",
)

YEAR_WORDINGS = (
    "The whole {event} lasted from {century}{start} until {century}",
    "The long {event} ran from {century}{start} to {century}",
    "The {event} went on from {century}{start} until {century}",
    "The {event} dragged on between {century}{start} and {century}",
)
EVENTS = _words(
    "war siege strike famine drought voyage project trial reign plague campaign revolt dispute journey survey "
    "experiment occupation rebellion expedition programme blockade"
)

AGREEMENT_WORDINGS = (
    "Everyone can see that the {noun}",
    "My neighbour thought that the {noun}",
    "It was clear that the {noun}",
    "The {noun} {preposition} the old {attractor}",
    "The {noun} {preposition} that new {attractor}",
    "The {noun} {preposition} those two {attractor}s",
    "The {noun} {preposition} some small {attractor}s",
)
PREPOSITIONS = ("near", "behind", "beside", "opposite")
NOUNS = _words(
    "key cabinet farmer teacher dog cat bird tree house car student doctor river picture road chair table letter king "
    "soldier tower lamp boat bridge painter horse engine window"
)
VERBS = ((" is", " are"), (" was", " were"), (" has", " have"))

CAPITAL_WORDINGS = (
    "The capital city of {country} is",
    "My flight to {country} landed in",
    "The government of {country} sits in",
    "The parliament of {country} meets in",
)
CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Germany": "Berlin", "Spain": "Madrid", "Japan": "Tokyo", "China": "Beijing",
    "Russia": "Moscow", "Egypt": "Cairo", "Greece": "Athens", "England": "London", "Portugal": "Lisbon",
    "Austria": "Vienna", "Poland": "Warsaw", "Ireland": "Dublin", "Norway": "Oslo", "Sweden": "Stockholm",
    "Denmark": "Copenhagen", "Finland": "Helsinki", "Cuba": "Havana", "Peru": "Lima",
    "Iran": "Tehran", "Iraq": "Baghdad", "Kenya": "Nairobi", "Canada": "Ottawa", "Hungary": "Budapest",
    "Belgium": "Brussels", "Syria": "Damascus", "Afghanistan": "Kabul", "Scotland": "Edinburgh", "Wales": "Cardiff",
    "Bulgaria": "Sofia",
}  # fmt: skip

PRONOUN_WORDINGS = (
    "The {role} was happy because",
    "The {role} went home when",
    "The {role} told us that",
    "The {role} slept well after",
    "The {role} sat down before",
)
ROLES = (
    ("king", "queen"), ("father", "mother"), ("boy", "girl"), ("man", "woman"), ("uncle", "aunt"),
    ("brother", "sister"), ("son", "daughter"), ("husband", "wife"), ("prince", "princess"), ("actor", "actress"),
    ("grandfather", "grandmother"), ("gentleman", "lady"), ("groom", "bride"), ("monk", "nun"), ("hero", "heroine"),
)  # fmt: skip


def ioi_abba(rng: Generator) -> PromptPair:
    """Indirect object, named first: "A and B ..., B gave ... to" calls for A; corrupt repeats A instead of B."""
    a, b = _choose(rng, NAMES, 2)
    return _ioi(rng, first=a, second=b, answer=a, distractor=b)


def ioi_baba(rng: Generator) -> PromptPair:
    """Indirect object, named second: "B and A ..., B gave ... to" calls for A; corrupt repeats A instead of B."""
    a, b = _choose(rng, NAMES, 2)
    return _ioi(rng, first=b, second=a, answer=a, distractor=b)


def _ioi(rng: Generator, *, first: str, second: str, answer: str, distractor: str) -> PromptPair:
    wording, place, thing = _one(rng, IOI_WORDINGS), _one(rng, PLACES), _one(rng, THINGS)
    clean, corrupt = (
        wording.format(first=first, second=second, place=place, thing=thing, giver=giver)
        for giver in (distractor, answer)
    )
    return PromptPair(clean, corrupt, " " + answer, " " + distractor)


def greater_than(rng: Generator) -> PromptPair:
    """An end year comes after its start year; digits are tokens, so the tens digit is what is predicted.

    The answer is the decade after the clean start, the distractor the decade after the corrupt start, which lies
    before the clean one.
    """
    late = int(rng.integers(4, 9))
    early = int(rng.integers(1, late - 1))
    unit = int(rng.integers(1, 10))
    wording, event, century = _one(rng, YEAR_WORDINGS), _one(rng, EVENTS), int(rng.integers(12, 20))
    clean, corrupt = (wording.format(event=event, century=century, start=f"{tens}{unit}") for tens in (late, early))
    return PromptPair(clean, corrupt, str(late + 1), str(early + 1))


def agreement(rng: Generator) -> PromptPair:
    """A verb agrees with its subject, with or without another noun of either number in between."""
    noun, attractor = _choose(rng, NOUNS, 2)
    wording, preposition = _one(rng, AGREEMENT_WORDINGS), _one(rng, PREPOSITIONS)
    verbs = VERBS[int(rng.integers(len(VERBS)))]
    prompts = [
        wording.format(noun=number, attractor=attractor, preposition=preposition) for number in (noun, noun + "s")
    ]
    clean = int(rng.integers(2))
    return PromptPair(prompts[clean], prompts[1 - clean], verbs[clean], verbs[1 - clean])


def capitals(rng: Generator) -> PromptPair:
    """The capital of a country; corrupt names another country."""
    wording = _one(rng, CAPITAL_WORDINGS)
    clean, corrupt = _choose(rng, tuple(CAPITALS), 2)
    return PromptPair(
        wording.format(country=clean), wording.format(country=corrupt), " " + CAPITALS[clean], " " + CAPITALS[corrupt]
    )


def pronouns(rng: Generator) -> PromptPair:
    """The pronoun for a person known by a role; corrupt names the role of the other gender."""
    wording, roles = _one(rng, PRONOUN_WORDINGS), ROLES[int(rng.integers(len(ROLES)))]
    prompts = [wording.format(role=role) for role in roles]
    clean = int(rng.integers(2))
    words = (" he", " she")
    return PromptPair(prompts[clean], prompts[1 - clean], words[clean], words[1 - clean])


def _one(rng: Generator, items: tuple[str, ...]) -> str:
    return items[int(rng.integers(len(items)))]


def _choose(rng: Generator, items: tuple[str, ...], count: int) -> list[str]:
    return [items[int(i)] for i in rng.choice(len(items), size=count, replace=False)]
