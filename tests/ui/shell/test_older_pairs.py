"""Pair sets that were kept as files before there were answers of several texts keep their texts and their digest."""

import csv

from core.prompts.pairs import PairSet, PromptPair
from ui.shell import store


def test_an_older_file_is_read_to_the_letter(open_page, tmp_path):
    pairs = PairSet("odd", (PromptPair("x = a", "x = b", " a|b", "['c']", "one"), PromptPair("é", "e", "|", r"\|")))
    (tmp_path / "pairs").mkdir()
    with (tmp_path / "pairs" / f"{pairs.digest}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(("clean", "corrupt", "answer", "distractor", "name"))
        writer.writerows((p.clean, p.corrupt, p.answer, p.distractor, p.name) for p in pairs)
    kept = store.load_pairs(pairs.digest)
    assert kept.pairs == pairs.pairs
    assert kept.digest == pairs.digest
