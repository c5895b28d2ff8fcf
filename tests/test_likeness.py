"""Likeness: copies are found under new names, comments and order; honest answers to the same task are left alone."""

import ast
import itertools
import random
import time
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading.authoring.submissions import solved
from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.reporting.likeness import EVIDENCE, SHARE, fingerprints, pairs, tokens

ROOT = Path(__file__).parents[1]
PS01 = "ps01_maximum_likelihood"


def notebook(folder: str, name: str = PS01) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4)


def skeleton() -> dict[str, str]:
    return {grade_id(cell): cell.source for cell in notebook("assignments").cells if is_solution(cell) and cell.cell_type == "code"}


def answers() -> dict[str, str]:
    filled = solved(notebook("assignments"), notebook("solutions"))
    return {grade_id(cell): cell.source for cell in filled.cells if is_solution(cell) and cell.cell_type == "code"}


# A second way to write one short task.
SECOND_WAY = """def m_step(x, r):
    n = r.sum(0)
    mu = r.T @ x / n[:, None]
    sigma = torch.stack([(r[:, k : k + 1] * (x - mu[k])).T @ (x - mu[k]) / n[k] for k in range(len(n))])
    return n / len(x), mu, sigma"""


def right_answers() -> dict[str, list[str]]:
    """The solution of each function, and the other right answers that are kept for it, as sources."""
    tree = ast.parse((ROOT / "tests" / "wrong_answers" / f"{PS01}.py").read_text(encoding="utf-8"))
    functions = {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    (table,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RIGHT"]
    found = {task: [source] for task, source in answers().items()}
    for key, listed in zip(table.keys, table.values, strict=True):
        task = next(task for task, (source, *_) in found.items() if f"def {key.value}(" in source)
        for answer in listed.values:
            if isinstance(answer, ast.Lambda):
                found[task].append(f"def {key.value}({ast.unparse(answer.args)}):\n    return {ast.unparse(answer.body)}")
            else:
                found[task].append(functions[answer.id])
    return found


class Renamed(ast.NodeTransformer):
    """A copyist's work: other names, docstrings and annotations put in."""

    def visit_Name(self, node):
        return ast.Name(f"my_{node.id}", node.ctx)

    def visit_arg(self, node):
        return ast.arg(f"my_{node.arg}", annotation=ast.Name("object", ast.Load()))

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = f"my_{node.name}"
        node.body.insert(0, ast.Expr(ast.Constant("I thought long about this.")))
        return node


def renamed(source: str) -> str:
    return (
        "import numpy as np\n# all my own work\n" + ast.unparse(ast.fix_missing_locations(Renamed().visit(ast.parse(source)))) + "\n\n# end"
    )


# ------------------------------------------------------------------------------------------------------------------ copies


def found(first: dict[str, str], second: dict[str, str]) -> list:
    return pairs({"first": first, "second": second}, skeleton())


def test_a_copy_is_found_under_other_names_comments_docstrings_annotations_and_layout():
    (pair,) = found(answers(), {task: renamed(source) for task, source in answers().items()})
    assert pair.score > 0.95  # built-ins were renamed too, and those read otherwise
    assert (pair.first, pair.second) == ("first", "second")


def test_a_copy_is_found_when_functions_stand_in_another_order_or_in_another_cell():
    mine = answers()
    shuffled = dict(zip(mine, reversed(list(mine.values())), strict=True))
    (pair,) = found(mine, shuffled)
    assert pair.score == 1
    (pair,) = found(mine, {next(iter(mine)): "\n\n".join(reversed(list(mine.values())))})
    assert pair.score > 0.9


def test_a_copy_with_a_third_of_the_answers_made_anew_is_found_and_the_report_says_which_are_alike():
    mine, others = answers(), {task: sources[-1] for task, sources in right_answers().items()}
    new = ["fit_coin", "fit_gaussian", "importance_sampling"]
    (pair,) = found(mine, mine | {task: others[task] for task in new})
    assert {task for task, score in pair.alike.items() if score > 0.9} == set(pair.alike) == set(mine) - set(new)


def test_copied_prose_is_found_in_english_and_in_japanese():
    english = next(cell.source for cell in notebook("solutions").cells if grade_id(cell) == "words")
    japanese = (
        "一つの成分の平均をあるデータ点の上に置き、その共分散を零に近づける。するとその点での密度は限りなく大きくなる。もう一つの成分は広いままなので、"
        "他のすべての点の密度は正の値より小さくならない。したがって尤度には上限がない。"
    )
    for text, other in (
        (english, "One covariance goes to zero and the other stays wide."),
        (japanese, "一方の共分散が零になり、他方は広いままだからです。"),
    ):
        assert len(found({"words": text}, {"words": f"I think so:\n\n{text}"})) == 1
        assert not found({"words": text}, {"words": other})


def test_code_that_is_no_python_is_compared_as_words():
    broken = answers()["m_step"] + "\nreturn = )"
    assert found({"m_step": broken}, {"m_step": "# x\n" + broken})


# ------------------------------------------------------------------------------------------------------------------ honest work


def test_of_different_right_answers_to_one_task_none_is_called_alike():
    """The false-alarm measure on the right answers that are kept for problem set 1: 0 of 16 pairs, and none near the line."""
    given_away = frozenset().union(*(fingerprints(tokens(source)) for source in skeleton().values()))
    shares = []
    for sources in right_answers().values():
        marks = [fingerprints(tokens(source)) - given_away for source in sources]
        shares += [len(a & b) / max(min(len(a), len(b)), 1) for a, b in itertools.combinations(marks, 2)]
    assert len(shares) == 16
    assert max(shares) < SHARE / 2


def test_of_whole_notebooks_with_different_right_answers_none_is_called_alike():
    options = right_answers()
    every = list(itertools.product(*options.values()))
    rng = random.Random(0)
    for _ in range(100):
        mine = rng.choice(every)
        theirs = [
            rng.choice([other for other in sources if other != own] or sources) for sources, own in zip(options.values(), mine, strict=True)
        ]
        assert not found(dict(zip(options, mine, strict=True)), dict(zip(options, theirs, strict=True)))


def test_equal_answers_to_a_short_task_say_nothing():
    short = {task: answers()[task] for task in ("fit_coin", "fit_gaussian")}
    assert not found(short, short)
    assert sum(len(fingerprints(tokens(source))) for source in short.values()) < EVIDENCE


def test_what_the_skeleton_gave_is_no_likeness():
    given_away = answers()
    assert found(given_away, given_away)
    assert not pairs({"first": given_away, "second": given_away}, given_away)
    assert not found(skeleton(), skeleton())


def test_the_usual_way_is_no_likeness_but_a_pair_in_a_large_class_is():
    usual, others = answers(), {task: sources[-1] for task, sources in right_answers().items()}
    many = {f"{i:02d}": usual for i in range(20)}
    assert not pairs(many, skeleton())
    (pair,) = pairs(many | {"a": others, "b": {task: renamed(source) for task, source in others.items()}}, skeleton())
    assert (pair.first, pair.second) == ("a", "b")


def test_a_way_that_a_sixth_of_the_class_took_is_no_likeness_and_the_same_way_of_two_is():
    """Forty-five pairs of one task's second way would hide the one pair to look at."""
    usual = answers()
    another = {**usual, "m_step": SECOND_WAY}
    for times, expected in ((10, 0), (2, 1)):
        everybody = {f"{i:02d}": another if i < times else usual for i in range(60)}
        assert len(pairs(everybody, skeleton())) == expected


def test_empty_classes_and_empty_answers_are_nothing():
    assert pairs({}, {}) == []
    assert pairs({"a": {}, "b": {}}, {}) == []
    assert pairs({"a": {"f": ""}, "b": {"f": ""}}, {"f": ""}) == []


# ------------------------------------------------------------------------------------------------------------------ winnowing

words = st.lists(st.sampled_from("abc"), max_size=30)


@given(words, words, words, words, st.lists(st.sampled_from("abc"), min_size=7, max_size=7))
def test_a_match_as_long_as_the_guarantee_is_always_found(a, b, c, d, match):
    assert fingerprints([*a, *match, *b], noise=4, guarantee=7) & fingerprints([*c, *match, *d], noise=4, guarantee=7)


@given(words, words)
def test_a_match_shorter_than_the_noise_is_never_found(a, b):
    runs = [{tuple(text[i : i + 4]) for i in range(len(text) - 3)} for text in (a, b)]
    if not runs[0] & runs[1]:
        assert not fingerprints(a, noise=4, guarantee=7) & fingerprints(b, noise=4, guarantee=7)


def test_winnowing_keeps_the_smallest_of_each_window_and_fewer_than_all():
    text = [str(i * 7919 % 1000) for i in range(2000)]
    every = fingerprints(text, noise=5, guarantee=5)
    kept = fingerprints(text, noise=5, guarantee=8)
    assert kept < every
    assert len(kept) / len(every) == pytest.approx(2 / (4 + 1), abs=0.05)  # the density 2 / (w + 1) of the paper, for random numbers


def test_thresholds_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="got noise 5, guarantee 4"):
        fingerprints(["a"], noise=5, guarantee=4)


# ------------------------------------------------------------------------------------------------------------------ a large class


def test_four_hundred_notebooks_take_seconds_and_hostile_ones_no_longer():
    rng = random.Random(1)
    base = list(answers().items())

    def own(source: str) -> str:  # each student's constants differ, so that nothing is usual and every fingerprint counts
        return "\n".join(
            f"{line}\n    y = x[{rng.random()}] + {rng.random()}" if line.endswith(":") else line for line in source.splitlines()
        )

    classroom = {f"s{i:03d}": {task: own(source) for task, source in base} for i in range(400)}
    classroom["deep"] = {"fit_coin": "(" * 50_000, "fit_gaussian": "-" * 99_999 + "1", "m_step": "x = " + "+".join(["1"] * 40_000)}
    classroom["huge"] = {"fit_coin": "x = 1\n" * 500_000, "fit_gaussian": "\ud800 \x00"}
    started = time.process_time()
    pairs(classroom, skeleton())
    assert time.process_time() - started < 20
