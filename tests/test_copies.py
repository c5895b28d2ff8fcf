"""Copies: one notebook handed in by many is one group, however many they are; honest answers to the same task make none."""

import itertools
import math
import random
import time

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from test_likeness import answers, notebook, renamed, right_answers, skeleton

from course_lib.grading.authoring.submissions import solved
from course_lib.grading.notebooks.cells import grade_id
from course_lib.grading.reporting.copies import CODE, Copies, groups, voices
from course_lib.grading.reporting.likeness import OWN, answers_of, fingerprints, pairs, tokens

ESSAY = next(cell.source for cell in notebook("solutions").cells if grade_id(cell) == "words")
KANJI = "一つの成分の平均をあるデータ点の上に置き、その共分散を零に近づける。するとその点での密度は限りなく大きくなる。"


def honest(count: int, seed: int = 0) -> dict[str, dict[str, str]]:
    """Students who each chose among the right answers that are kept for problem set 1."""
    rng, options = random.Random(seed), right_answers()
    return {f"s{i:03d}": {task: rng.choice(sources) for task, sources in options.items()} for i in range(count)}


def other_answers() -> dict[str, str]:
    return {task: sources[-1] for task, sources in right_answers().items()}


# ------------------------------------------------------------------------------------------------------------------ code


@pytest.mark.parametrize("size", [2, 8, 10, 30])
def test_a_ring_is_one_group_however_large_it_is(size):
    ring = {f"r{i}": answers() for i in range(size)}
    blank = {f"s{i}": skeleton() for i in range(40 - size)}
    (found,) = groups(ring | blank, skeleton())
    assert found.students == tuple(sorted(ring))
    assert set(found.answers) == set(answers())
    assert not found.prose
    assert found.length == sum(len(fingerprints(tokens(source)) - given_away()) for source in answers().values())


def given_away() -> frozenset[int]:
    return frozenset().union(*(fingerprints(tokens(source)) for source in skeleton().values()))


def test_names_comments_and_layout_make_no_other_notebook():
    mine = answers()
    theirs = {task: "# mine\n" + source.replace("weights", "shares") + "\n\n" for task, source in mine.items()}
    assert mine != theirs
    (found,) = groups({"a": mine, "b": theirs}, skeleton())
    assert found.students == ("a", "b")


def test_one_answer_made_anew_is_another_notebook_and_still_a_pair():
    mine = answers()
    classroom = {"a": mine, "b": mine | {"fit_coin": other_answers()["fit_coin"]}}
    assert not groups(classroom, skeleton())
    assert len(pairs(classroom, skeleton())) == 1


def test_of_honest_students_hardly_any_are_one_group():
    """Each of 40 chose by chance among the right answers that are kept; as many are alike in every task as chance alone makes so."""
    expected = 40 * 39 / 2 / math.prod(len(sources) for sources in right_answers().values())
    assert expected < 1
    found = [groups(honest(40, seed), skeleton()) for seed in range(5)]
    assert sum(len(one.students) - 1 for each in found for one in each) < 5 * expected + 4 * (5 * expected) ** 0.5


def test_equal_answers_to_short_tasks_say_nothing():
    short = {task: answers()[task] for task in ("fit_coin", "coin_log_likelihood", "fit_gaussian", "fit_multivariate")}
    assert sum(len(fingerprints(tokens(source))) for source in short.values()) < CODE
    assert not groups({"a": short, "b": short}, skeleton())
    assert not groups({"a": skeleton(), "b": skeleton()}, skeleton())
    assert not groups({"a": answers(), "b": answers()}, answers())
    assert groups({}, {}) == groups({"a": {}}, {}) == groups({"a": {"f": ""}, "b": {"f": ""}}, {"f": ""}) == []


def test_a_group_is_one_voice_so_that_who_changed_more_is_found_beside_it():
    mine, others = answers(), other_answers()
    ring = {f"r{i}": mine for i in range(10)}
    changed = {"t": {task: renamed(others[task] if task in ("m_step", "e_step") else source) for task, source in mine.items()}}
    classroom = ring | changed | {f"s{i}": skeleton() for i in range(29)}
    found = groups(classroom, skeleton())
    assert [one.students for one in found] == [tuple(sorted(ring))]
    assert not pairs(classroom, skeleton())
    speaking = voices(classroom, found)
    assert [name for name in speaking if name.startswith("r")] == ["r0"]
    (pair,) = pairs({name: classroom[name] for name in speaking}, skeleton())
    assert (pair.first, pair.second) == ("r0", "t")


def test_the_same_words_leave_everybody_a_voice():
    assert voices("abc", [Copies(("a", "b"), ("words",), True, 90)]) == ["a", "b", "c"]


# ------------------------------------------------------------------------------------------------------------------ prose


def test_prose_is_the_same_word_for_word_in_english_and_in_japanese():
    for text, same in ((ESSAY, f"# Answer\n{ESSAY}"), (KANJI, f"**{KANJI}**\n")):
        same = same.removeprefix("# Answer\n").upper()
        (found,) = groups(
            {"a": {"words": text}, "b": {"words": same}, "c": {"words": text.replace(text[:9], "Perhaps so:", 1)}}, skeleton()
        )
        assert (found.students, found.answers, found.prose) == (("a", "b"), ("words",), True)
        assert found.length >= 40


def test_short_prose_and_what_was_given_out_say_nothing():
    assert not groups({"a": {"words": "I do not know."}, "b": {"words": "I do not know."}}, {})
    assert not groups({"a": {"words": ESSAY}, "b": {"words": ESSAY}}, {"words": ESSAY})


# ------------------------------------------------------------------------------------------------------------------ notebooks


def test_helpers_in_cells_of_their_own_count_and_cells_that_were_given_out_do_not():
    released = notebook("assignments")
    filled = solved(released, notebook("solutions"))
    assert OWN not in answers_of(filled, released)
    filled.cells[4:4] = [new_code_cell("%timeit 1\ndef share(x):\n    return x.sum() / len(x)"), new_markdown_cell("mine")]
    found = answers_of(filled, released)
    assert found[OWN] == "pass\ndef share(x):\n    return x.sum() / len(x)"
    assert set(found) - {OWN} == set(answers_of(released, released))


def test_copied_helpers_are_found_where_answers_only_call_them():
    helpers = {OWN: "\n\n".join(source.replace("def ", "def my_") for source in answers().values())}
    calls = {task: f"def {task}(*x):\n    return my_{task}(*x)" for task in answers()}
    (found,) = groups({"a": helpers | calls, "b": helpers | calls, "c": calls}, skeleton())
    assert found.students == ("a", "b")
    assert OWN in found.answers


def test_other_trials_in_cells_of_their_own_make_no_other_notebook():
    trials = [f"print(fit_coin(torch.ones({n})) - {n})\nfor i in range({n}):\n    print(i * {n}, m_step(x[i], r[{n}]))" for n in (2, 3)]
    (found,) = groups({"a": answers() | {OWN: trials[0]}, "b": answers() | {OWN: trials[1]}, "c": skeleton()}, skeleton())
    assert found.students == ("a", "b")
    assert OWN not in found.answers


def test_four_hundred_notebooks_take_seconds():
    classroom = honest(400)
    started = time.process_time()
    found = groups(classroom, skeleton())
    assert time.process_time() - started < 20
    assert all(len(set(one.students)) == len(one.students) for one in found)
    assert not [pair for pair in itertools.combinations(found, 2) if set(pair[0].students) & set(pair[1].students)]
