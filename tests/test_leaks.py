"""The search finds everything that the course has to hide, and nothing in the course's own kit. What stops a kit is in ``test_kit``."""

import shutil
from pathlib import Path

from test_kit import write

from course_lib.grading.authoring import kit
from course_lib.grading.authoring.leaks import Secret, find_leaks, secrets

SECRET = Secret("ps01, f", ("total = sum(values)", "return total / len(values)"))


def test_a_line_of_a_solution_is_a_leak_in_an_assignment_and_elsewhere_all_of_it(tmp_path):
    for folder in ("assignments", "notebooks"):
        write(tmp_path / folder / "one.py", "def f(values):\n    return total / len(values)\n")
    assert find_leaks(tmp_path, [SECRET]) == ["assignments/one.py: 'return total / len(values)' (ps01, f)"]
    write(tmp_path / "notebooks" / "one.py", "def f(values):\n    total = sum(values)\n    return total / len(values)\n")
    assert [leak.split(":")[0] for leak in find_leaks(tmp_path, [SECRET])] == ["assignments/one.py", "notebooks/one.py"]


def test_what_lies_among_the_instructors_tools_must_be_named(tmp_path):
    write(tmp_path / "course_lib" / "grading" / "repair.py", "1")
    named = {path.relative_to(tmp_path) for path in (tmp_path / "course_lib").rglob("*")} - {kit._GRADING.parent}
    assert find_leaks(tmp_path, [], theirs=named) == []
    assert len(find_leaks(tmp_path, [])) == 2


def test_the_course_itself_has_secrets_and_its_kit_holds_none(root, tmp_path):
    hidden = secrets(root)
    assert sum(len(secret.lines) for secret in hidden) > 20
    assert any(secret.test for secret in hidden)
    made = kit.make_kit(root, tmp_path / "kit")
    assert find_leaks(made, hidden, theirs=kit._STUDENTS) == []
    speech = {path.name: path.read_bytes() for path in (root / "course_lib" / "datasets" / "speech").iterdir()}
    assert speech == {path.name: path.read_bytes() for path in (made / "course_lib" / "datasets" / "speech").iterdir()}
    assert (made / "data" / "README.md").is_file()
    for tool in ("grade.py", "judging", "judging/judge.py", "notebooks/markers.py"):
        theirs = {*kit._STUDENTS, Path("course_lib/grading/judging")} - {Path("course_lib/grading", tool)}
        write(made / "course_lib" / "grading" / (tool if tool.endswith(".py") else f"{tool}/a.py"), "1")
        assert find_leaks(made, hidden, theirs=theirs)[0] == f"course_lib/grading/{tool} is the instructor's"
        shutil.rmtree(made / "course_lib" / "grading")
    shutil.copytree(root / "solutions", made / "assignments", dirs_exist_ok=True)  # the search finds them where they are
    found = "\n".join(find_leaks(made, hidden, theirs=kit._STUDENTS))
    assert all(secret.place in found for secret in hidden)
