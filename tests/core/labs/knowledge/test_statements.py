"""Sets that say something, and refusals of those that do not."""

import collections
import json

import numpy as np
import pytest

from core.errors import PromptError, SpecError
from core.labs.knowledge.statements import generate
from core.labs.knowledge.statements.bundled import BUNDLED, load_bundled
from core.labs.knowledge.statements.parse import parse_statements, read_statements
from core.labs.knowledge.statements.statements import Item, Statements, check, folds, giveaway, split
from core.labs.knowledge.statements.wording import (
    SENTIMENT,
    TRUTH,
    Wording,
    assign,
    balance,
    check_balanced,
    contrast,
    disliked_topic,
)
from tests.core.labs.knowledge.conftest import WORDING, statements


def with_items(*items: Item) -> Statements:
    return Statements("mine", items)


@pytest.mark.parametrize("bundled", BUNDLED, ids=lambda b: b.id)
def test_bundled_sets_are_sound_and_come_from_their_script(bundled):
    found, wording = load_bundled(bundled.id)
    check(found)
    assert len(found) >= 240
    assert found.labels.mean() == 0.5
    made = getattr(generate, bundled.id)(np.random.default_rng(generate.SEED))
    assert tuple(made) == found.items
    assert all(answer not in item.text for item in found.items for answer in wording.answers)
    assert giveaway([item.text for item in found.items], found.labels)[1] < 0.6


def test_no_answer_of_the_facts_is_likelier_to_be_false():
    found, _ = load_bundled("facts")
    seen = collections.defaultdict(list)
    for item in found.items:
        if item.topic != "numbers":
            seen[item.topic, item.text.split()[-1]].append(item.label)
        else:  # the same two numbers, both ways round
            seen[item.group].append(item.label)
    assert all(labels.count(True) == labels.count(False) for labels in seen.values())


def test_groups_are_never_parted():
    found, _ = load_bundled("facts")
    groups = found.groups
    test, fold = split(found, np.random.default_rng(1)), folds(found, np.random.default_rng(1))
    for group in set(groups):
        assert len(set(test[groups == group])) == 1
        assert len(set(fold[groups == group])) == 1
    assert 0.35 < test.mean() <= 0.4
    assert np.ptp(np.bincount(fold)) <= 2


@pytest.mark.parametrize(
    ("items", "what"),
    [
        ([Item(f"text {i}", i % 2 == 0) for i in range(19)], "fewer than 20"),
        ([Item(f"text {i}", i % 4 == 0) for i in range(40)], "rarer label"),
        ([Item(f"text {i // 2}", i % 2 == 0) for i in range(40)], "comes 2 times"),
        ([Item(f"it is {'so' if i % 2 else 'otherwise'} {i}", i % 2 == 0) for i in range(40)], "gives 100% of the"),
        ([Item(f"text {i}", i % 2 == 0, f"g{i % 4}") for i in range(40)], "fewer than 5 groups"),
    ],
)
def test_sets_that_would_prove_nothing_are_refused(items, what):
    with pytest.raises(PromptError, match=what):
        check(with_items(*items))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("text,label\na,maybe\n", "row 1: 'maybe' is no label"),
        ("text,label\n,true\n", "row 1: The text is missing"),
        ("text,label\na,true,x\n", "row 1: The row has 3 values"),
        ("words,label\na,true\n", "columns are not those"),
        ('text,label\n"a,true\n', "not sound CSV"),
        ("", "mine.csv: The file is empty"),
        ("text,label\na,0\nb,-1\nc,1\n", "both 0 and -1"),
        ("statement,label\na,true\n", "--columns text=statement"),
        ("text,label\na,true\nb,maybe\nc,2\n", "row 2: 'maybe' is no label .column 'label'.*1 more row"),
    ],
)
def test_files_with_a_fault_are_refused(text, what):
    with pytest.raises(PromptError, match=what):
        parse_statements(text.encode(), filename="mine.csv")


def test_labels_choose_the_wording():
    found, wording = parse_statements(
        b"\xef\xbb\xbftext,label,group\na,Positive,g\nb,negative,g\n", filename="mine.csv"
    )
    assert [item.label for item in found.items] == [True, False]
    assert wording.answers == ("negative", "positive")
    assert parse_statements(b"text,label\na,YES\nb,0\n", filename="m.csv")[1] is TRUTH
    assert parse_statements(b"text,label\na,pos\nb,neg\n", filename="m.csv")[1] is SENTIMENT


@pytest.mark.parametrize(
    ("true", "false"),
    [("1.0", "0.0"), ("1", "-1"), ("+", "-"), ("+1", "−1"), ("Pos", "NEG"), ("TRUE", "False"), ("yes", "no")],
)
def test_labels_as_people_write_them(true, false):
    text = f"Sentence;Label\nThe sky is blue, they say.;{true}\nThe sky is green.;{false}\n"
    parsed = read_statements(text.encode(), filename="m.csv", columns={"text": "Sentence"})
    assert [item.label for item in parsed.statements.items] == [True, False]
    assert parsed.problems == ()


def test_json_labels_and_left_over_columns():
    rows = [{"text": "a", "label": True, "city": "x"}, {"text": "b", "label": 0.0, "city": "y"}]
    parsed = read_statements(json.dumps(rows).encode(), filename="m.json")
    assert [item.label for item in parsed.statements.items] == [True, False]
    assert [problem.what for problem in parsed.problems] == ["Columns that are not used: 'city'."]


def test_a_repeated_text_names_both_rows():
    items = [Item(f"text {max(i, 1)}", i % 2 == 0) for i in range(40)]
    with pytest.raises(PromptError, match="rows 1 and 2: "):
        check(with_items(*items))


@pytest.mark.parametrize("condition", ["none", "reworded", "word", "opinion", "opinion:3", "persona", "implicit"])
def test_every_distractor_is_crossed_with_the_label_and_stands_in_the_prompt(condition):
    found, wording = load_bundled("sentiment")
    drawn = assign(found, np.random.default_rng(0))
    made = contrast(found, wording, condition, drawn=drawn)
    check_balanced(found.labels, made.distractor)
    assert balance(found.labels, made.distractor) == 0
    for (false, true), item, shown in zip(made.prompts, found.items, made.distractor):
        assert item.text in true
        assert false.count("negative") == true.count("negative") + 1
        if condition == "word":
            assert true.endswith("positive. Lantern" if shown else "positive. Gravel")
        if condition.startswith("opinion"):
            times = 3 if condition.endswith("3") else 1
            assert true.count(f"sure that it is {wording.answers[int(shown)]}.") == times


def test_what_alice_says_is_wrong_on_one_topic_only():
    found, wording = load_bundled("sentiment")
    made = contrast(found, wording, "implicit", drawn=assign(found, np.random.default_rng(0)))
    topics = np.array([item.topic for item in found.items])
    hated = disliked_topic(topics, found.labels)
    assert (made.distractor == found.labels)[topics != hated].all()
    assert not (made.distractor == found.labels)[topics == hated].any()
    assert not any(
        item.text in true.split("Review:")[k] for (_, true), item in zip(made.prompts, found.items) for k in (1, 2, 3)
    )


def test_unbalanced_distractors_are_refused():
    labels = statements().labels
    with pytest.raises(SpecError, match="not balanced"):
        check_balanced(labels, labels)
    with pytest.raises(SpecError, match="not balanced"):
        check_balanced(labels, np.arange(40) < 4)
    with pytest.raises(SpecError, match="half of the items"):
        disliked_topic(np.array(["a"] * 40), labels)


def test_templates_need_their_slots_and_texts_stay_text():
    with pytest.raises(SpecError, match="must hold"):
        Wording("{text} {answer}!", "{text} {answer}", ("a", "b"))
    with pytest.raises(SpecError, match="two different"):
        Wording("{text} {answer}", "{text} {answer}", ("a", "a"))
    hostile = with_items(*(Item(f"{{answer}} {{text}} {{0}} {i}", i % 2 == 0) for i in range(40)))
    made = contrast(hostile, WORDING, "none", drawn=np.zeros(40, bool))
    assert made.prompts[3] == ("When {answer} {text} {0} 3 is cat", "When {answer} {text} {0} 3 is dog")
