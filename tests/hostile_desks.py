"""The two courses on which the made-up class is tried: problem set 1 of this one, and the notebook ``signals`` of one that is not ours."""

import foreign_course
from hostile_class import EVERYTHING, Case, Desk
from nbformat import NotebookNode

from course_lib.grading.authoring.submissions import solved
from course_lib.grading.notebooks.cells import grade_id
from course_lib.grading.records import Status

PS01 = "ps01_maximum_likelihood"


def desk_of_ps01(released: NotebookNode, source: NotebookNode) -> Desk:
    """Problem set 1 of this course."""
    checks = {
        "fit_coin": {"test_fit_coin"},
        "coin_log_likelihood": {"test_coin_log_likelihood"},
        "fit_gaussian": {"test_fit_gaussian"},
        "fit_multivariate": {"test_fit_multivariate"},
        "log_density": {"test_log_density", "test_log_density_extreme"},
        "e_step": {"test_e_step", "test_e_step_extreme", "test_em"},
        "m_step": {"test_m_step", "test_em"},
        "importance_sampling": {"test_importance_sampling", "test_importance_sampling_extreme"},
    }
    broken = "def importance_sampling(f, log_p, log_q):\n    return 7"
    right = solved(released, source)
    return Desk(PS01, released, right, checks, "fit_coin", "fit_gaussian", "importance_sampling", broken, only_in_ps01)


def only_in_ps01(desk: Desk) -> list[Case]:
    """What needs this course's own names, or PyTorch."""
    tried = ("fit_coin", "coin_log_likelihood", "fit_gaussian", "fit_multivariate")
    half = desk.with_answers(**{name: released_answer(desk, name) for name in desk.checks if name not in tried})
    helpers = desk.with_answers(fit_coin="def share(x):\n    return x.sum() / len(x)\n\n\ndef fit_coin(x):\n    return share(x)")
    told = " ".join(f"In try {number} the run went another way, and I wrote down how." for number in range(9))
    twin = desk.with_answers(fit_coin=desk.answer("fit_coin") + "  # ours", words=told)
    patched = """from course_lib import check

for name in dir(check):
    if callable(getattr(check, name)):
        setattr(check, name, lambda *args, **kwargs: None)


"""
    return [
        Case("half", "half done", desk.file(half), Status.GRADED, desk.without(*(set(desk.checks) - set(tried)))),
        desk.case("unbiased", "one wrong answer", desk.instead("fit_gaussian", "return x.mean(), x.var()"), "fit_gaussian"),
        desk.case("chance", "not twice the same", desk.inside("fit_multivariate", "noise = torch.randn(()).item() * 1e-14\nx = x + noise")),
        desk.case("helpers", "functions of one's own", helpers),
        desk.case("twin-1", "two that are the same", twin),
        desk.case("twin-2", "two that are the same", twin),
        desk.case("gradients", "gradients left on", desk.inside("log_density", "x = x.clone().requires_grad_()")),
        desk.case("patched", "checks patched", desk.instead("fit_coin", "return 7", patched), "fit_coin"),
        desk.case("library", "takes the answer from the library", desk.before("fit_coin", "from course_lib.classical.gmm import GaussianMixture"), "fit_coin"),
    ]  # fmt: skip


def released_answer(desk: Desk, name: str) -> str:
    return next(cell.source for cell in desk.released.cells if grade_id(cell) == name)


def desk_abroad(released: NotebookNode, essay: NotebookNode) -> Desk:
    """The notebook ``signals`` of the foreign course; those whose work is honest hand in its essay, too."""
    checks = {"rms_code": {"rms_test"}, "smooth_code": {"smooth_test"}, "peak_code": {"peak_test"}}
    right = foreign_course.answered(released, foreign_course.RIGHT)

    def own(desk: Desk) -> list[Case]:
        return only_abroad(desk, essay)

    return Desk("signals", released, right, checks, "rms_code", "smooth_code", "peak_code", "peak = 7", own)


def only_abroad(desk: Desk, essay: NotebookNode) -> list[Case]:
    """What needs NumPy, partial credit, a value instead of a function, a second notebook."""
    both = desk.without() | {"count_test"}
    words = desk.file(foreign_course.answered(essay, foreign_course.RIGHT), "essay.ipynb")
    empty = desk.file(essay, "essay.ipynb")
    part = foreign_course.answered(desk.released, foreign_course.HALF)
    patched = "import numpy as np\n\nnp.isclose = np.allclose = lambda *args, **kwargs: True\n\n\n"
    chance = desk.inside("smooth_code", "x = x + np.random.normal(size=len(x)) * 1e-14")
    unfinished = desk.with_answers(peak_code=released_answer(desk, "peak_code"))
    return [
        Case("ada", "two notebooks", {**desk.file(desk.right), **words}, Status.GRADED, both),
        Case("both-blank", "two notebooks, one of them empty", {**desk.file(desk.right), **empty}, Status.GRADED, desk.without()),
        Case("half", "half done, and part of the points", {**desk.file(part), **words}, Status.GRADED, both - {"rms_test", "smooth_test"}, part={"smooth_test": 1.0}),
        desk.case("unfinished", "no answer to the last", unfinished, "peak_code"),
        desk.case("float32", "half as many digits", desk.instead("rms_code", "return np.sqrt(np.mean(np.asarray(x, dtype=np.float32) ** 2))")),
        desk.case("chance", "not twice the same", chance),
        desk.case("object", "a value that is equal to all", desk.with_answers(peak_code=EVERYTHING + "peak = Everything()"), "peak_code"),
        desk.case("complex", "a complex answer", desk.instead("rms_code", "return 3 + 4j"), "rms_code"),
        desk.case("infinite", "an infinite answer", desk.instead("smooth_code", "return np.full(len(x) - width + 1, np.inf)"), "smooth_code"),
        desk.case("patched", "NumPy patched", desk.instead("rms_code", "return 7", patched), "rms_code"),
        desk.case("in-place", "changes what it is asked about", desk.inside("rms_code", "if len(x) > 4:\n    x[:] = 3.0"), "rms_code"),
    ]  # fmt: skip
