"""The bundled statement sets, written again: ``python -m core.labs.knowledge.statements.generate``.

*sentiment*: short reviews of films and restaurants. A group is one pair of opposite adjectives with its closing
phrases, so that held-out reviews use words that no probe was fitted on.
*facts*: cities, comparisons of numbers, Spanish words. Wrong answers are the right ones of other items (or the two
numbers swapped), so that no answer is likelier to be false than another; a group is one city, pair or word.
"""

from __future__ import annotations

import csv

import numpy as np

from core.labs.knowledge.statements.statements import Item
from core.paths import ASSETS

SEED = 20231215
FOLDER = ASSETS / "labs" / "knowledge" / "statements"

OPPOSITES = """
wonderful|dreadful|I would gladly do it again|I would never do it again
delightful|miserable|we left smiling|we left angry
superb|awful|my friends loved it too|my friends hated it too
charming|dull|time flew by|I kept looking at my watch
brilliant|terrible|it went beyond our hopes|it let us down
excellent|poor|worth every penny|a waste of money
lovely|nasty|I cannot praise it enough|I want my money back
splendid|horrible|I recommend it to everyone|I warn everyone against it
fantastic|pathetic|it made my week|it ruined my evening
marvellous|disgusting|a joy from start to finish|a pain from start to finish
impressive|disappointing|better than we had expected|worse than we had expected
outstanding|lousy|I already long for more|I have had enough
gorgeous|ugly|all of it worked|nothing about it worked
enjoyable|unbearable|a real treat|a real chore
perfect|hopeless|there is nothing to complain about|there is nothing good to say
amazing|appalling|it deserves its fame|it deserves its bad name
terrific|tedious|we talked of it happily for days|we regretted it for days
great|bad|what a success|what a failure
pleasant|unpleasant|it cheered me up|it put me in a bad mood
magnificent|mediocre|the best in years|the worst in years
"""
ASPECTS = {
    "film": ("plot", "acting", "music", "ending", "dialogue", "camera work", "script", "lead actor"),
    "restaurant": ("food", "service", "soup", "dessert", "menu", "fish", "waiter", "dining room"),
}
PLACES = {"film": "of the film", "restaurant": "at the restaurant"}

CITIES = """
Paris|France
Berlin|Germany
Madrid|Spain
Rome|Italy
Lisbon|Portugal
Vienna|Austria
Athens|Greece
Dublin|Ireland
Oslo|Norway
Stockholm|Sweden
Helsinki|Finland
Warsaw|Poland
Prague|the Czech Republic
Budapest|Hungary
Bucharest|Romania
Brussels|Belgium
Amsterdam|the Netherlands
Zurich|Switzerland
Moscow|Russia
Kyiv|Ukraine
Istanbul|Turkey
Cairo|Egypt
Nairobi|Kenya
Lagos|Nigeria
Tokyo|Japan
Shanghai|China
Mumbai|India
Bangkok|Thailand
Jakarta|Indonesia
Manila|the Philippines
Hanoi|Vietnam
Seoul|South Korea
Tehran|Iran
Baghdad|Iraq
Sydney|Australia
Auckland|New Zealand
Toronto|Canada
Chicago|the United States
Lima|Peru
Havana|Cuba
"""
SPANISH = """
perro|dog
gato|cat
casa|house
agua|water
libro|book
mesa|table
sol|sun
luna|moon
noche|night
rojo|red
verde|green
blanco|white
negro|black
amigo|friend
hermano|brother
madre|mother
padre|father
ojo|eye
mano|hand
cabeza|head
pan|bread
leche|milk
queso|cheese
manzana|apple
pescado|fish
caballo|horse
flor|flower
puerta|door
ventana|window
calle|street
iglesia|church
escuela|school
trabajo|work
dinero|money
tiempo|time
verano|summer
invierno|winter
nieve|snow
fuego|fire
tierra|earth
"""
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def sentiment(rng: np.random.Generator) -> list[Item]:
    """240 reviews: 20 pairs of opposites, 2 topics, 3 aspects of each, both labels."""
    items = []
    for line in OPPOSITES.split("\n")[1:-1]:
        good, bad, praise, blame = line.split("|")
        for topic, aspects in ASPECTS.items():
            for label, adjective, closing in ((True, good, praise), (False, bad, blame)):
                for aspect in rng.choice(aspects, 3, replace=False):
                    text = f"The {aspect} {PLACES[topic]} was {adjective}; {closing}."
                    items.append(Item(text, label, good, topic))
    return _shuffled(items, rng)


def facts(rng: np.random.Generator) -> list[Item]:
    """240 statements: 40 cities, 40 comparisons and 40 Spanish words, each right and wrong once."""
    items = []
    for topic, table, text in (
        ("cities", CITIES, "The city of {} is in {}."),
        ("words", SPANISH, "The Spanish word '{}' means '{}'."),
    ):
        rows = [line.split("|") for line in table.split("\n")[1:-1]]
        order = rng.permutation(len(rows))
        other = dict(zip(order, np.roll(order, 1)))  # one cycle: every answer is wrong exactly once
        for i, (subject, answer) in enumerate(rows):
            items.append(Item(text.format(subject, answer), True, subject, topic))
            items.append(Item(text.format(subject, rows[other[i]][1]), False, subject, topic))
    numbers = [f"{ten}-{one}" for ten in TENS for one in ONES]
    for a, b in _pairs(len(numbers), rng):
        x, y = numbers[a], numbers[b]
        for first, second, label in ((x, y, False), (y, x, True)):
            text = f"{first.capitalize()} is larger than {second}."
            items.append(Item(text, label, f"{x} and {y}", "numbers"))
    return _shuffled(items, rng)


def _pairs(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """40 pairs of neighbouring places below ``n``, at most 8 apart: the size of one number tells little."""
    lower = np.sort(rng.permutation(n - 8)[:40])
    return [(int(a), int(a + rng.integers(1, 9))) for a in lower]


def _shuffled(items: list[Item], rng: np.random.Generator) -> list[Item]:
    return [items[i] for i in rng.permutation(len(items))]


def write(name: str, items: list[Item], words: tuple[str, str]) -> None:
    """``<name>.csv`` in the folder of bundled statements: text, label, group, topic."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "label", "group", "topic"))
        writer.writerows((item.text, words[item.label], item.group, item.topic) for item in items)


def main() -> None:
    write("sentiment", sentiment(np.random.default_rng(SEED)), ("negative", "positive"))
    write("facts", facts(np.random.default_rng(SEED)), ("false", "true"))


if __name__ == "__main__":
    main()
