"""Records of published sets become pairs, or say why not."""

import json

import pytest

from core.files.asking import ChoiceAsked
from core.prompts.pairs import PromptPair
from core.prompts.parse import parse_pairs


def asked(prompt, key):
    return {"prompt": prompt, "choices": ["Ann", "Tom"], "answerKey": key}


MIB = asked("When Ann and Tom left, Tom gave a coin to", 0) | {
    "template": "BABA",
    "metadata": {"subject": "Tom"},
    "abc_counterfactual": asked("When Joe and Kim left, Bob gave a coin to", 0),
    "s2_flip_counterfactual": asked("When Ann and Tom left, Ann gave a coin to", 1),
}


def counterfact(case, subject, true, new, attributes=(), prompt="The mother tongue of {} is"):
    rewrite = {"prompt": prompt, "subject": subject, "target_true": {"str": true}, "target_new": {"str": new}}
    return {"case_id": case, "requested_rewrite": rewrite, "attribute_prompts": list(attributes)}


def read(*records, **answers):
    text = "\n".join(map(json.dumps, records))
    return parse_pairs(text.encode(), filename="records.jsonl", **answers)


def test_one_counterfactual_is_taken_and_several_are_asked_for():
    one = {key: value for key, value in MIB.items() if key != "abc_counterfactual"}
    pair = PromptPair(MIB["prompt"], MIB["s2_flip_counterfactual"]["prompt"], " Ann", " Tom")
    assert read(one).or_raise().pairs == (pair,)
    with pytest.raises(ChoiceAsked) as asked:
        read(MIB)
    assert list(asked.value.choices) == ["abc_counterfactual", "s2_flip_counterfactual"]
    assert read(MIB, counterfactual="s2_flip").or_raise().pairs == (pair,)


def test_a_counterfactual_that_calls_for_the_same_leaves_the_wrong_choice_as_distractor():
    (pair,) = read(MIB, counterfactual="abc_counterfactual").or_raise()
    assert (pair.answer, pair.distractor) == (" Ann", " Tom")


def test_letters_name_choices_and_blanks_are_not_doubled():
    record = {**MIB, "prompt": "Which? ", "choices": ["x", "y"], "answerKey": "B"}
    record["abc_counterfactual"] = {"prompt": "Which of them? ", "choices": ["x", "y"], "answerKey": "A"}
    (pair,) = read(record, counterfactual="abc").or_raise()
    assert (pair.answer, pair.distractor) == ("y", "x")


@pytest.mark.parametrize("change", ["answerKey", "choices", "abc_counterfactual", "prompt"])
def test_an_incomplete_record_names_its_row(change):
    parsed = read(MIB, MIB | {change: None}, counterfactual="abc")
    assert [problem.where for problem in parsed.problems if problem.severity == "error"] == ["row 2"]
    assert len(parsed.pairs) == 1


def test_counterfact_takes_a_prompt_in_the_same_words_that_calls_for_the_new_target():
    attributes = ["Shelley is a native speaker of", "The mother tongue of Douglas Adams is"]
    (pair,) = read(counterfact(3, "Danielle Darrieux", "French", "English", attributes)).or_raise()
    assert pair == PromptPair(
        "The mother tongue of Danielle Darrieux is",
        "The mother tongue of Douglas Adams is",
        " French",
        " English",
        "case 3",
    )


def test_counterfact_without_such_a_prompt_takes_another_record_of_its_relation():
    parsed = read(
        counterfact(0, "Darrieux", "French", "English"),
        counterfact(1, "Goethe", "German", "French"),
        counterfact(2, "Adams", "English", "Thai"),
        counterfact(3, "Rome", "Italy", "Peru", prompt="{} is in"),
    )
    assert [(p.corrupt, p.answer, p.distractor) for p in parsed.pairs] == [
        ("The mother tongue of Adams is", " French", " English"),
        ("The mother tongue of Darrieux is", " German", " French"),
        ("The mother tongue of Darrieux is", " English", " French"),
    ]
    (alone,) = parsed.problems
    assert alone.where == "row 4"
    assert "No prompt of the file calls for another answer" in alone.what


def test_broken_counterfact_records_name_their_rows():
    good = [counterfact(0, "Darrieux", "French", "English"), counterfact(1, "Goethe", "German", "French")]
    broken = [{"requested_rewrite": 3}, {"requested_rewrite": {"prompt": "The mother tongue of {} is"}}]
    parsed = read(*good, *broken)
    assert [problem.where for problem in parsed.problems] == ["row 3", "row 4"]
    assert len(parsed.pairs) == 2
