"""Reading MMLU-style files, and building prompts of which every token's kind is known."""

import json

import numpy as np
import pytest

from core.errors import PromptError, SpecError
from core.labs.multiple_choice.questions.bundled import BUNDLED, load_questions
from core.labs.multiple_choice.questions.layouts import (
    LAYOUTS,
    LETTERS,
    MUTATIONS,
    build,
    draw_labels,
    layout_of,
    prompts_of,
)
from core.labs.multiple_choice.questions.questions import (
    Question,
    QuestionSet,
    parse_questions,
    questions_to_csv,
    read_questions,
)
from core.labs.multiple_choice.questions.tokens import tokenised
from core.labs.multiple_choice.toy.task import toy_questions, toy_tokenizer

HEADED = "question,A,B,C,D,answer,subject\nWhich?,one,two,three,four,C,numbers\n"
QUESTION = Question("lemon", ("river", "lemon", "wolf", "chair"), 1)


def parse(text, name="mine.csv"):
    return parse_questions(text.encode() if isinstance(text, str) else text, filename=name)


def test_files_with_and_without_a_header_and_in_both_json_forms_say_the_same():
    line = {"question": "Which?", "choices": ["one", "two", "three", "four"], "answer": 2}
    other = {"question": "Which?", "A": "one", "B": "two", "C": "three", "D": "four", "answer": "c"}
    texts = [(HEADED, "mine.csv"), ("Which?,one,two,three,four,2\n", "mine.csv")]
    texts += [(json.dumps(x), "mine.jsonl") for x in (line, other)]
    found = [read_questions(f"\ufeff{text}".encode(), filename=name, answers_from=0) for text, name in texts]
    sets = [parsed.or_raise() for parsed in found]
    assert {s.questions for s in sets} == {(Question("Which?", ("one", "two", "three", "four"), 2),)}
    assert len({s.digest for s in sets}) == 1


def test_what_is_written_is_read_back():
    odd = QuestionSet("odd", (Question('a, "b"\nc', ("=1", "2", "3", ","), 3),))
    assert parse(questions_to_csv(odd)).questions == odd.questions


FAULTS = {
    "no columns": ("a,b\n1,2\n", "question, A, B"),
    "no right option": ("Which?,one,two,three,four,E\n", "columns"),
    "answer 5": (HEADED.replace("four,C,", "four,5,") + "Which?,a,b,c,d,0,x\n", "row 1"),
    "answer 4 from 0": (HEADED.replace("four,C,", "four,4,") + "Which?,a,b,c,d,0,x\n", "row 1"),
    "numbers from either": (HEADED.replace("four,C,", "four,3,"), "--answers-from 0 (0 is the first option)"),
    "other names": ("stem,A,B,C,D,answer\n", "--columns question=stem"),
    "answer true": ('{"question": "q", "choices": ["1", "2", "3", "4"], "answer": true}', "row 1"),
    "same options": (HEADED.replace("two", " one "), "row 1"),
    "empty option": (HEADED.replace("two", " "), "option B"),
    "ragged": (HEADED + "What?,one\n", "row 2"),
    "number": ('{"question": 3, "choices": ["1", "2", "3", "4"], "answer": 0}', "row 1"),
    "three choices": ('{"question": "q", "choices": ["1", "2", "3"], "answer": 0}', "has 3 options"),
    "broken json": ('{"question"', "row 1"),
    "empty": ("\n", "empty"),
    "nul": (HEADED.replace("Which", "Wh\0ch"), "question"),
    "quotes": ('question,A,B,C,D,answer\n"x,1,2,3,4,A\n', "CSV"),
    "not utf-8": (b"\x81", "UTF-8"),
    "not utf-16": (b"\xff\xfea", "UTF-16"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(case):
    text, named = FAULTS[case]
    with pytest.raises(PromptError) as caught:
        parse(text, "mine.jsonl" if isinstance(text, str) and text.startswith("{") else "mine.csv")
    assert named in caught.value.one_line()


def test_too_much_and_unknown_kinds_are_refused():
    with pytest.raises(PromptError, match="401 questions"):
        parse("question,A,B,C,D,answer\n" + "q,1,2,3,4,A\n" * 401)
    with pytest.raises(PromptError, match="not read"):
        parse(HEADED, "mine.xls")


BEST = Question("Which planet is the largest?", ("Mars", "Venus", "Jupiter", "Earth"), 2)
AS_PUBLISHED = {
    "the hub's MMLU": (
        "question,subject,choices,answer\n"
        "Which planet is the largest?,astronomy,\"['Mars' 'Venus' 'Jupiter' 'Earth']\",2\n"
        "Other?,x,\"['a' 'b'\n 'c' 'd']\",0\n",
        {},
    ),
    "upper case": ("Question,A,B,C,D,Answer\nWhich planet is the largest?,Mars,Venus,Jupiter,Earth,C\n", {}),
    "semicolons": ("question;A;B;C;D;answer\nWhich planet is the largest?;Mars;Venus;Jupiter;Earth;c\n", {}),
    "numbered from 1": (
        "question,A,B,C,D,answer\nWhich planet is the largest?,Mars,Venus,Jupiter,Earth,3\nb?,a,b,c,d,4\n",
        {},
    ),
    "told the number": (
        "question,A,B,C,D,answer\nWhich planet is the largest?,Mars,Venus,Jupiter,Earth,3\n",
        {"answers_from": 1},
    ),
    "other names": (
        "question,opa,opb,opc,opd,cop\nWhich planet is the largest?,Mars,Venus,Jupiter,Earth,2\nb?,a,b,c,d,0\n",
        {"columns": {"A": "opa", "B": "opb", "C": "opc", "D": "opd", "answer": "cop"}},
    ),
}


@pytest.mark.parametrize("case", AS_PUBLISHED)
def test_files_as_they_are_published(case):
    text, answers = AS_PUBLISHED[case]
    parsed = read_questions(text.encode(), filename="mine.csv", **answers)
    assert parsed.or_raise().questions[0] == BEST
    assert parsed.problems == ()


def test_other_numbers_of_options_are_refused_by_that_name():
    row = {"question": "Which?", "options": list("abcdefghij"), "answer": "I", "answer_index": 8}
    parsed = read_questions(json.dumps(row).encode(), filename="pro.jsonl", columns={"choices": "options"})
    assert [p.what for p in parsed.problems if p.severity == "error"] == ["The question has 10 options."]


def test_every_fault_of_every_row_is_told_and_repeats_name_both_rows():
    text = HEADED + ",one,,three,four,E,x\nWhich?,one,two,three,four,C,numbers\nshort\n"
    parsed = read_questions(text.encode(), filename="mine.csv")
    assert [problem.where for problem in parsed.problems] == ["row 2"] * 3 + ["row 3", "row 4"]
    assert parsed.problems[3].severity == "warning"
    assert "that of row 1" in parsed.problems[3].what
    assert len(parsed.questions) == 2


def test_turning_moves_the_options_and_the_answer_with_them():
    for by in range(5):
        turned = QUESTION.turned(by)
        assert turned.options[turned.answer] == "lemon"
        assert turned.answer == (1 + by) % 4
    assert QUESTION.turned(1).options == ("chair", "river", "lemon", "wolf")


def test_bundled_questions_have_each_place_right_equally_often():
    for bundled in BUNDLED:
        questions = load_questions(bundled.id).questions
        assert len({np.bincount([q.answer for q in questions], minlength=4)[i] for i in range(4)}) == 1
        assert layout_of(bundled.layout)


def test_mutations_change_what_they_say_and_nothing_else():
    texts = {m: build(QUESTION, LAYOUTS["exam"], m, draw_labels(m, np.random.default_rng(0))).text for m in MUTATIONS}
    plain = texts["standard"]
    assert plain.endswith("lemon\n(A) river\n(B) lemon\n(C) wolf\n(D) chair\nAnswer: (")
    assert texts["no preamble"] == plain.split("\n", 1)[1]
    assert texts["no brackets"] == plain.replace("(A)", "A").replace("(B)", "B").replace("(C)", "C").replace("(D)", "D")
    assert "(A) river. (B) lemon. (C) wolf. (D) chair.\nAnswer: (" in texts["full stops"]
    assert "(1) river\n(2) lemon\n(3) wolf\n(4) chair" in texts["digits"]
    word = build(QUESTION, LAYOUTS["word"], "standard", "ABCD").text
    assert word == "Choose\n(A) river\n(B) lemon\n(C) wolf\n(D) chair\n? lemon"


def test_drawn_labels_are_what_they_say():
    generator = np.random.default_rng(0)
    for _ in range(50):
        assert sorted(draw_labels("shuffled", generator)) == list("ABCD")
        other = draw_labels("other letters", generator)
        assert "".join(other) in LETTERS
        assert set(other).isdisjoint("ABCD")
        assert len(set(draw_labels("random letters", generator)) & set(LETTERS)) == 4
    assert prompts_of([QUESTION] * 9, LAYOUTS["word"], "shuffled") == prompts_of(
        [QUESTION] * 9, LAYOUTS["word"], "shuffled"
    )


def test_an_unknown_layout_is_refused():
    with pytest.raises(SpecError, match="exam or word"):
        layout_of("magic")


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_token_of_the_toy_knows_what_it_is(mutation):
    tokenizer = toy_tokenizer()
    prompts = prompts_of([q.turned(1) for q in toy_questions(6).questions], LAYOUTS["word"], mutation)
    for prompt, asked in zip(prompts, tokenised(prompts, tokenizer)):
        words = tokenizer.convert_ids_to_tokens(list(asked.ids))
        for i in range(4):
            assert words[asked.place("label", i)] == prompt.labels[i]
            assert tokenizer.convert_ids_to_tokens(asked.label_ids[i]) == prompt.labels[i]
        right = asked.place("option", prompt.answer)
        assert words[right] == words[-1]
        assert asked.kinds[-1] == ("cue", -1)


@pytest.mark.model
def test_a_real_tokenizer_gives_each_label_one_token(default_model):
    questions = load_questions("general").questions[:8]
    for mutation in MUTATIONS:
        prompts = prompts_of(questions, LAYOUTS["exam"], mutation)
        for prompt, asked in zip(prompts, tokenised(prompts, default_model.tokenizer)):
            assert default_model.tokenizer.decode(list(asked.ids)) == prompt.text
            said = [default_model.tokenizer.decode([i]).strip() for i in asked.label_ids]
            assert said == list(prompt.labels)
            for i, label in enumerate(prompt.labels):
                assert label in default_model.tokenizer.decode([asked.ids[asked.place("label", i)]])


def test_words_that_the_toy_does_not_know_and_long_prompts_are_refused():
    prompts = prompts_of([Question("lemon", ("river", "lemon", "banana", "wolf"), 1)], LAYOUTS["word"], "standard")
    with pytest.raises(PromptError, match="row 1: The model does not know"):
        tokenised(prompts, toy_tokenizer())
    prompts = prompts_of([QUESTION], LAYOUTS["word"], "standard")
    with pytest.raises(PromptError, match="at most 5"):
        tokenised(prompts, toy_tokenizer(), most=5)
