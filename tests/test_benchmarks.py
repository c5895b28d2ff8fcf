"""The benchmark's referee: turns alternate, wrong answers never get a time, the page says what was measured."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from nbgrader.api import Gradebook

from benchmarks import __main__ as command
from benchmarks import flow_training, gmm, grading, ica, lossless, lpc, report, wavenet_sampling
from benchmarks.side_by_side import AnswersDiffer, Contest, Outcome, Task, run
from course_lib.grading.nbgrader_course import load


class Clock:
    """Time that passes only when someone works."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def __call__(self):
        return self.now

    def work(self, who, seconds, answer):
        def compute():
            self.log.append((who, torch.get_num_threads()))
            self.now += next(seconds) if hasattr(seconds, "__next__") else seconds
            return answer

        return compute


def task(clock, *, peer=6.0, ours=2.0, answers=(1.0, 1.0), module="torch") -> Task:
    contest = Contest(clock.work("peer", peer, answers[0]), clock.work("ours", ours, answers[1]), lambda a, b: abs(a - b), 1e-6)
    return Task("a task", "torch", module, "the answer", 2.0, lambda: contest)


def test_turns_alternate_on_one_thread_after_the_gate():
    clock, threads = Clock(), torch.get_num_threads()
    outcome = run(task(clock), clock=clock)
    assert [who for who, _ in clock.log[:6]] == ["peer", "ours", "peer", "ours", "ours", "peer"]
    assert len(clock.log) == 2 * 6
    assert {n for _, n in clock.log} == {1}
    assert torch.get_num_threads() == threads
    assert (outcome.ratio, outcome.lowest, outcome.highest, outcome.repeats) == (3.0, 3.0, 3.0, 5)


def test_the_ratio_is_of_medians_so_one_hiccup_does_not_count():
    clock = Clock()
    outcome = run(task(clock, peer=iter([9, 6, 6, 600, 6, 6])), clock=clock)
    assert (outcome.ratio, outcome.highest) == (3.0, 300.0)


@pytest.mark.parametrize("answer", [1.1, float("nan")])
def test_different_answers_are_not_timed(answer):
    clock = Clock()
    with pytest.raises(AnswersDiffer, match="a task: the answers differ by"):
        run(task(clock, answers=(1.0, answer)), clock=clock)
    assert len(clock.log) == 2


def test_a_missing_peer_is_skipped_by_name(capsys):
    assert run(task(Clock(), module="no_such_peer")) is None
    assert "skipped, torch is not installed" in capsys.readouterr().out


def test_a_peer_that_does_not_load_is_skipped_with_the_reason(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken_peer.py").write_text("raise OSError('built for another machine')")
    monkeypatch.syspath_prepend(tmp_path)
    assert run(task(Clock(), module="broken_peer")) is None
    assert "skipped, torch is installed and does not load: built for another machine" in capsys.readouterr().out


def test_too_few_turns_are_refused():
    with pytest.raises(ValueError, match="repeats must be at least 5 for a median that means something, got 3"):
        run(task(Clock()), repeats=3)


def test_the_page_shows_what_was_saved(tmp_path):
    outcome = Outcome("a task", "peer", "the answer", 15.0, 17.26, 16.0, 18.5, 5, 2.9e-13, {"peer": "1.2"})
    report.save("one", [outcome], folder=tmp_path)
    assert json.loads((tmp_path / "results/one.json").read_text()) == [dataclasses.asdict(outcome)]
    line = report.write_page(tmp_path).read_text().splitlines()[-1]
    assert line == "| a task | peer 1.2 | **17.3 ×** | 16.0–18.5 | 15 × | the answer | 3e-13 |"


def test_the_page_in_the_repository_is_that_of_its_results():
    assert (report.FOLDER / "README.md").read_text(encoding="utf-8") == report.page()


def test_an_unknown_name_is_answered_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["gmn"])
    assert stop.value.code == 2
    assert "no benchmark is called gmn; there are flow_training, gmm" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [gmm.em, gmm.variational])
def test_both_give_the_same_answer_on_a_small_case(prepare, monkeypatch):
    monkeypatch.setattr(gmm, "N", 2000)
    monkeypatch.setattr(gmm, "D", 4)
    monkeypatch.setattr(gmm, "K", 3)
    contest = prepare()
    assert contest.difference(contest.peer(), contest.ours()) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("compare", lpc.TASKS, ids=[task.peer for task in lpc.TASKS])
def test_predictors_agree_on_a_small_case(compare, monkeypatch):
    pytest.importorskip(compare.module)
    monkeypatch.setattr(lpc, "FRAMES", 200)
    contest = compare.prepare()
    theirs, ours = contest.peer(), contest.ours()
    assert contest.difference(theirs, ours) < 1.5 * contest.tolerance  # of few frames
    wrong = dataclasses.replace(ours, a=-ours.a)
    assert contest.difference(theirs, wrong) > 10 * contest.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [lossless.rice_encoding, lossless.rice_decoding])
def test_both_write_equally_long_rice_codes_of_the_same_numbers(prepare, monkeypatch):
    pytest.importorskip("bitstring")
    monkeypatch.setattr(lossless, "COUNT", 2000)
    contest = prepare()
    assert contest.difference(contest.peer(), contest.ours()) <= contest.tolerance <= 1


@pytest.mark.slow
def test_recordings_are_no_larger_than_flacs_and_come_back(monkeypatch):
    monkeypatch.setattr(
        lossless, "digits", lambda: [np.sin(np.arange(9000.0) * period).__mul__(999).astype(np.int16) for period in (0.1, 0.2)]
    )
    contest = lossless.recordings()
    theirs, ours = contest.peer(), contest.ours()
    assert contest.difference(theirs, ours) == sum(map(len, ours)) / sum(map(len, theirs)) - 1
    assert contest.difference(theirs, ours[::-1]) == float("inf")


@pytest.mark.slow
@pytest.mark.parametrize("name", [task.name for task in ica.TASKS])
def test_separating_is_no_worse_than_the_peers_on_a_small_case(name, monkeypatch):
    monkeypatch.setattr(ica, "N", 5000)
    task = next(task for task in ica.TASKS if task.name == name)
    pytest.importorskip(task.module)
    contest = task.prepare()
    theirs, ours = contest.peer(), contest.ours()
    assert contest.difference(theirs, ours) < 1e-3  # with a tenth of the rows
    assert contest.difference(ours.ica.unmixing.numpy(), ours) == 0


def test_a_task_may_aim_at_something_else_than_time(tmp_path):
    outcome = Outcome("a task", "peer", "bytes", None, 0.5, 0.4, 0.6, 5, -0.05, {"peer": "1.2"})
    report.save("one", [outcome], folder=tmp_path)
    assert report.page(tmp_path).splitlines()[-1] == "| a task | peer 1.2 | **0.5 ×** | 0.4–0.6 | – | bytes | -5e-02 |"


@pytest.mark.slow
def test_wavenets_with_the_same_weights_give_the_same_logits(monkeypatch):
    pytest.importorskip("wavenet_vocoder")
    monkeypatch.setattr(wavenet_sampling, "LAYERS", 6)
    monkeypatch.setattr(wavenet_sampling, "CHANNELS", 8)
    contest = wavenet_sampling.beside_wavenet_vocoder(2, 60)
    theirs, ours = contest.peer(), contest.ours()
    assert theirs.shape == (2, 256, 60)
    assert ours.shape == (2, 60)
    assert contest.difference(theirs, ours) <= contest.tolerance
    other = wavenet_sampling.as_peer(wavenet_sampling.model())
    other.conv_layers[3].conv.weight *= 1.01
    monkeypatch.setattr(wavenet_sampling, "as_peer", lambda ours: other)
    wrong = wavenet_sampling.beside_wavenet_vocoder(2, 60)
    assert wrong.difference(theirs, ours) > wrong.tolerance


@pytest.mark.slow
def test_naive_sampling_draws_the_same(monkeypatch):
    monkeypatch.setattr(wavenet_sampling, "LAYERS", 6)
    monkeypatch.setattr(wavenet_sampling, "NAIVE_SAMPLES", 40)
    contest = wavenet_sampling.beside_naive()
    theirs, ours = contest.peer(), contest.ours()
    assert contest.difference(theirs, ours) == 0
    assert contest.difference(theirs, (ours + 1) % 256) == 1


@pytest.mark.slow
@pytest.mark.parametrize("masked", [False, True])
def test_flows_with_the_same_weights_have_the_same_density_and_stay_alike(masked, monkeypatch):
    pytest.importorskip("zuko")
    for name, small in {"D": 6, "LAYERS": 3, "HIDDEN": 12, "BATCH": 20, "STEPS": 5}.items():
        monkeypatch.setattr(flow_training, name, small)
    contest = flow_training.beside_zuko(masked=masked)
    theirs, ours = contest.peer(), contest.ours()
    assert contest.difference(theirs, ours) <= contest.tolerance
    with torch.no_grad():
        ours.chain.transforms[1].network.layers[-1].bias += 0.1
    assert contest.difference(theirs, ours) > contest.tolerance
    larger = torch.nn.ModuleList([ours, torch.nn.Linear(1, 1)])
    assert contest.difference(theirs, larger) == float("inf")


@pytest.mark.slow
def test_graders_give_the_same_points_on_a_small_class(monkeypatch):
    pytest.importorskip("nbgrader")
    monkeypatch.setattr(grading, "STUDENTS", 2)
    contest = grading.beside_nbgrader()
    theirs, ours = contest.peer(), contest.ours()
    assert sum(grading.points(theirs).values()) == 6.5 + 3.0  # of one who has all right, and of one who has part
    assert contest.difference(theirs, ours) == contest.tolerance == 0
    with Gradebook(load(ours).db_url) as book:
        book.find_grade("smooth_test", "signals", grading.ASSIGNMENT, "student-001").auto_score = 1.5
        book.db.commit()
    assert contest.difference(theirs, ours) == 0.5
    monkeypatch.setattr(grading, "STUDENTS", 3)
    assert contest.difference(theirs, ours) == float("inf")
