import pytest

from core.errors import PromptError
from core.models.catalogue import DEFAULT
from core.prompts import tasks
from core.prompts.align import align
from core.prompts.bundled import BUNDLED, PAIRS_FOLDER, load_bundled
from core.prompts.generate import COUNT, DRAWS, generate, write_sets
from core.prompts.solving import logit_differences

IDS = [bundled.id for bundled in BUNDLED if bundled.model == DEFAULT]


def test_every_behaviour_that_can_be_drawn_is_bundled():
    assert list(DRAWS) == IDS
    assert len({bundled.title for bundled in BUNDLED}) == len(BUNDLED)


@pytest.mark.parametrize("set_id", IDS)
def test_sets_are_sound(set_id):
    pairs = load_bundled(set_id)
    assert pairs.name == set_id
    assert len(pairs) == COUNT >= 32
    assert len({pair.name for pair in pairs}) == COUNT
    assert len({(pair.clean, pair.corrupt, pair.answer) for pair in pairs}) == COUNT


def test_unknown_set_is_refused_and_the_known_ones_named():
    with pytest.raises(PromptError, match=r"'ioi'.*ioi_abba, ioi_baba"):
        load_bundled("ioi")


@pytest.mark.parametrize("set_id", ["ioi_abba", "ioi_baba"])
def test_indirect_object_pairs_mean_what_they_say(set_id):
    for pair in load_bundled(set_id):
        assert (pair.clean.count(pair.answer), pair.clean.count(pair.distractor)) == (1, 2)
        assert (pair.corrupt.count(pair.answer), pair.corrupt.count(pair.distractor)) == (2, 1)
        first = min((pair.answer, pair.distractor), key=pair.clean.index)
        assert first == (pair.answer if set_id == "ioi_abba" else pair.distractor)


def test_only_the_answer_is_a_later_decade():
    for pair in load_bundled("greater_than"):
        clean, corrupt = (
            next(int(word[2]) for word in text.split() if len(word) == 4 and word.isdigit())
            for text in (pair.clean, pair.corrupt)
        )
        assert corrupt < int(pair.distractor) < clean < int(pair.answer)


def test_capitals_belong_to_their_countries():
    for pair in load_bundled("capitals"):
        for prompt, capital in ((pair.clean, pair.answer), (pair.corrupt, pair.distractor)):
            (country,) = [country for country in tasks.CAPITALS if country in prompt]
            assert tasks.CAPITALS[country] == capital.strip()


def test_half_of_the_agreement_pairs_have_a_noun_in_between():
    between = sum(any(f" {word} " in pair.clean for word in tasks.PREPOSITIONS) for pair in load_bundled("agreement"))
    assert 0.4 * COUNT <= between <= 0.6 * COUNT


@pytest.mark.parametrize("set_id", IDS)
def test_same_seed_same_pairs_and_other_seed_others(set_id):
    def make(seed: int):
        return generate(set_id, seed=seed, solves=lambda pair: True, count=10)

    assert make(5) == make(5)
    assert make(5).digest != make(6).digest


def test_the_filter_decides_and_names_count_what_is_kept():
    kept = generate("agreement", seed=0, solves=lambda pair: pair.answer == " is", count=5)
    assert [pair.answer for pair in kept] == [" is"] * 5
    assert [pair.name for pair in kept] == [f"verb-{i:03d}" for i in range(1, 6)]
    with pytest.raises(ValueError, match="0 of 5"):
        generate("agreement", seed=0, solves=lambda pair: False, count=5)


def test_shipped_files_are_what_the_generator_draws(tmp_path):
    """With membership in the shipped sets as the filter, the generator writes the shipped bytes again."""
    shipped = {(pair.clean, pair.corrupt, pair.answer) for set_id in IDS for pair in load_bundled(set_id)}
    write_sets(tmp_path, seed=0, solves=lambda pair: (pair.clean, pair.corrupt, pair.answer) in shipped)
    for set_id in IDS:
        assert (tmp_path / f"{set_id}.csv").read_bytes() == (PAIRS_FOLDER / f"{set_id}.csv").read_bytes()


@pytest.mark.model
@pytest.mark.parametrize("set_id", IDS)
def test_the_default_model_solves_every_pair(set_id, default_model):
    aligned = align(load_bundled(set_id), default_model.tokenizer)
    assert aligned.problems == ()
    assert len({len(pair) for pair in aligned.pairs}) == 1
    differences = logit_differences(aligned.pairs, default_model.hf)
    assert len(differences) == COUNT
    for clean, corrupt in differences.values():
        assert clean > 0 > corrupt
