"""What a lecture's first cell sets, and what becomes of a stated fact."""

import json
import random
import warnings

import numpy as np
import pytest
import torch

from course_lib import lab
from course_lib.lab import ClaimFailed


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    """No setting but a build folder of one's own; no lecture begun."""
    for name in ("SIZE", "SEED", "DATA", "OFFLINE", "WIDGETS", "STRICT"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)
    monkeypatch.setenv("COURSE_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(lab, "_current", None)
    monkeypatch.setattr(lab, "_claims", [])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with warnings.catch_warnings():
        yield


@pytest.fixture
def graphics(monkeypatch):
    """A machine with a CUDA device."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "T4")
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: None)


def recorded(lecture: str = "01_maximum_likelihood") -> list[dict]:
    return json.loads((lab.build_folder() / "claims" / f"{lecture}.json").read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------------------- start


def test_a_machine_without_a_gpu_runs_quick_and_says_so(capsys):
    run = lab.start(lecture=1)
    assert (run.lecture, run.size, run.device.type, run.seed) == ("01_maximum_likelihood", "quick", "cpu", 0)
    assert run.quick
    assert run.pick(quick=3, full=30) == 3
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.startswith("01_maximum_likelihood · cpu (")
    assert "quick size · embedded data" in line


@pytest.mark.usefixtures("graphics")
def test_a_machine_with_a_gpu_runs_full_and_says_so(capsys):
    run = lab.start(lecture=1)
    assert (run.size, run.device.type) == ("full", "cuda")
    assert run.pick(quick=3, full=30) == 30
    assert "cuda (T4) · full size · real data" in capsys.readouterr().out


@pytest.mark.usefixtures("graphics")
def test_quick_runs_on_the_cpu_everywhere(monkeypatch):
    monkeypatch.setenv("COURSE_SIZE", "quick")
    assert lab.start(lecture=1).device.type == "cpu"


def test_full_can_be_asked_for_without_a_gpu(monkeypatch):
    monkeypatch.setenv("COURSE_SIZE", "full")
    run = lab.start(lecture=1)
    assert (run.size, run.device.type) == ("full", "cpu")


def test_the_measured_time_of_this_size_and_device_is_told(monkeypatch, capsys):
    known = {"01_first": {"title": "First", "seconds": {"quick cpu": 41.6, "full cuda": 300.0}}}
    monkeypatch.setattr(lab, "lectures", lambda: known)
    lab.start(lecture=1)
    assert "· about 42 s" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_SIZE", "full")
    lab.start(lecture=1)
    assert "about" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("COURSE_SIZE", "medium", r"COURSE_SIZE must be one of \('quick', 'full'\), got 'medium'"),
        ("COURSE_SEED", "-1", r"COURSE_SEED must be a whole number from 0 to 2\*\*32 - 1, got '-1'"),
        ("COURSE_SEED", "1.5", "COURSE_SEED must be .* got '1.5'"),
        ("COURSE_SEED", "٣", "COURSE_SEED must be"),
        ("COURSE_SEED", str(2**32), "COURSE_SEED must be"),
        ("COURSE_STRICT", "yes", "COURSE_STRICT must be 0 or 1, or not set, got 'yes'"),
        ("COURSE_OFFLINE", "true", "COURSE_OFFLINE must be 0 or 1, or not set, got 'true'"),
        ("COURSE_WIDGETS", "statik", "COURSE_WIDGETS must be static, or not set, got 'statik'"),
        ("COURSE_DATA", "/no/such/folder", "COURSE_DATA must name a folder with the data, got '/no/such/folder'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(name, value, words, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=words):
        lab.start(lecture=1)


def test_an_empty_setting_is_none(monkeypatch):
    for name in ("SIZE", "SEED", "DATA", "OFFLINE", "WIDGETS", "STRICT"):
        monkeypatch.setenv(f"COURSE_{name}", "")
    assert lab.start(lecture=1).seed == 0


def test_an_unknown_lecture_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"lecture must be one of \[0, 1, 2.*\], got 99"):
        lab.start(lecture=99)


def test_strict_turns_warnings_of_the_lecture_into_errors_and_only_those(monkeypatch):
    monkeypatch.setenv("COURSE_STRICT", "1")
    lab.start(lecture=1)
    for module in ("__main__", "course_lib.classical.gmm"):
        with pytest.raises(UserWarning, match="mind"):
            warnings.warn_explicit("mind", UserWarning, "cell", 1, module=module)
    with pytest.warns(UserWarning, match="never mind"):
        warnings.warn_explicit("never mind", UserWarning, "cell", 1, module="sklearn.mixture")


# ------------------------------------------------------------------------------------------------------------ chance


def test_start_seeds_whatever_has_no_generator(monkeypatch):
    def draws(seed):
        monkeypatch.setenv("COURSE_SEED", str(seed))
        lab.start(lecture=1)
        return [torch.rand(()).item(), np.random.rand(), random.random()]  # noqa: NPY002

    first, other = draws(4294967295), draws(7)
    assert first == draws(4294967295)
    assert not set(first) & set(other)


def test_generators_reproduce_and_every_offset_and_seed_is_another_stream(monkeypatch):
    def draw(seed, offset):
        monkeypatch.setenv("COURSE_SEED", str(seed))
        return torch.rand(8, generator=lab.start(lecture=1).generator(offset))

    keys = [(seed, offset) for seed in (0, 1, 2) for offset in (0, 1, 2)]
    streams = {key: draw(*key) for key in keys}
    for key in keys:
        assert torch.equal(streams[key], draw(*key))
    assert len(torch.stack(list(streams.values())).unique()) == 9 * 8
    assert len({key: tuple(stream) for key, stream in streams.items()}) == 9


def test_two_streams_of_a_seed_are_uncorrelated():
    run = lab.start(lecture=1)
    x = torch.stack([torch.randn(10_000, generator=run.generator(offset)) for offset in range(4)])
    correlation = torch.corrcoef(x) - torch.eye(4)
    assert correlation.abs().max() < 5 / 100  # five standard errors, 1/√N each


def test_a_generator_leaves_the_global_state_alone():
    run = lab.start(lecture=1)
    before = torch.get_rng_state()
    torch.rand(3, generator=run.generator(5))
    assert torch.equal(torch.get_rng_state(), before)


# ------------------------------------------------------------------------------------------------------------ claims


def test_a_claim_is_shown_and_recorded_with_all_that_it_depends_on(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_SEED", "3")
    lab.start(lecture=1)
    capsys.readouterr()
    lab.claim("prediction gain of あ", torch.tensor(12.3456789, dtype=torch.float64), True, unit="dB")
    assert capsys.readouterr().out == "✓ prediction gain of あ: 12.35 dB\n"
    (record,) = recorded()
    assert record.pop("seconds") >= 0
    assert record == {
        "name": "prediction gain of あ",
        "value": 12.3456789,
        "unit": "dB",
        "holds": True,
        "seed": 3,
        "size": "quick",
        "device": "cpu",
    }


def test_a_claim_that_fails_is_recorded_first(capsys):
    lab.start(lecture=1)
    lab.claim("one", 1, True)
    with pytest.raises(ClaimFailed, match=r"This run measured otherwise: two: 2 nats \(seed 0, quick size\)"):
        lab.claim("two", 2, torch.tensor(2) > 3, unit="nats")
    assert [(record["name"], record["holds"]) for record in recorded()] == [("one", True), ("two", False)]
    assert "✓ two" not in capsys.readouterr().out


def test_a_cell_run_twice_states_its_fact_once():
    lab.start(lecture=1)
    lab.claim("a", 1, True)
    lab.claim("b", 2, True)
    lab.claim("a", 3, True)
    assert [(record["name"], record["value"]) for record in recorded()] == [("b", 2), ("a", 3)]


def test_a_lecture_begun_anew_states_its_facts_anew():
    lab.start(lecture=1)
    lab.claim("of the first run", 1, True)
    lab.start(lecture=1)
    lab.claim("of the second", 2, True)
    assert [record["name"] for record in recorded()] == ["of the second"]
    lab.start(lecture=2)
    lab.claim("of another lecture", 3, True)
    assert len(recorded()) == 1
    assert [record["name"] for record in recorded("02_gaussian_mixtures")] == ["of another lecture"]


def test_a_claim_without_a_lecture_says_what_to_call_first():
    with pytest.raises(RuntimeError, match=r"call  run = lab.start\(lecture=…\)  first"):
        lab.claim("a", 1, True)


@pytest.mark.parametrize(
    ("value", "stored", "shown"),
    [
        (4 / 7, 4 / 7, "0.5714"),
        (3, 3, "3"),
        (True, True, "True"),
        ("あ", "あ", "あ"),
        (np.float32(0.5), 0.5, "0.5"),
        (np.array([1.0, 2.5]), [1.0, 2.5], "[1, 2.5]"),
        (torch.tensor([[1, 2]]), [[1, 2]], "[[1, 2]]"),
        ((1.23456, torch.tensor(2.0)), [1.23456, 2.0], "[1.235, 2]"),
        (float("nan"), "nan", "nan"),
        (torch.tensor([1.0, -torch.inf]), [1.0, "-inf"], "[1, -inf]"),
    ],
)
def test_values_are_recorded_as_every_reader_of_json_reads_them(value, stored, shown, capsys):
    lab.start(lecture=1)
    capsys.readouterr()
    lab.claim("a", value, True)
    assert recorded()[0]["value"] == stored
    assert capsys.readouterr().out == f"✓ a: {shown}\n"
    text = (lab.build_folder() / "claims" / "01_maximum_likelihood.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text


def test_a_value_that_cannot_be_kept_is_refused_and_spoils_nothing():
    lab.start(lecture=1)
    lab.claim("good", 1, True)
    with pytest.raises(ValueError, match="value must be a number, a text, or a list of these, got a set"):
        lab.claim("bad", {1}, True)
    lab.claim("good again", 2, True)
    assert [record["name"] for record in recorded()] == ["good", "good again"]


@pytest.mark.parametrize("holds", [True, np.bool_(True), np.array([True]), torch.tensor(True), torch.tensor([[True]])])
def test_truth_comes_in_several_forms(holds):
    lab.start(lecture=1)
    lab.claim("a", 1, holds)
    assert recorded()[0]["holds"] is True


@pytest.mark.parametrize("holds", [float("nan"), 1, "x < 1", None, torch.tensor(0.3), torch.tensor([True, True]), np.array([True, False])])
def test_what_is_no_truth_is_refused(holds):
    lab.start(lecture=1)
    with pytest.raises(ValueError, match=r"holds must be True or False, got .*\.all\(\) or \.any\(\)"):
        lab.claim("a", 1, holds)


def test_readers_never_see_a_file_that_is_being_written(monkeypatch):
    written, write_text = [], lab.Path.write_text

    def watched(self, text, **options):
        written.append(self.name)
        return write_text(self, text, **options)

    monkeypatch.setattr(lab.Path, "write_text", watched)
    lab.start(lecture=1)
    lab.claim("a", 1, True)
    assert written == ["01_maximum_likelihood.json.part"]


def test_claims_are_written_whole_or_not_at_all(monkeypatch):
    lab.start(lecture=1)
    lab.claim("a", 1, True)

    def full_disk(self, text, **_):
        self.write_bytes(text.encode()[:5])
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(lab.Path, "write_text", full_disk)
        with pytest.raises(OSError, match="no space"):
            lab.claim("b", 2, True)
    assert [record["name"] for record in recorded()] == ["a"]
    lab.claim("c", 3, True)
    assert [record["name"] for record in recorded()] == ["a", "b", "c"]
    assert len(list((lab.build_folder() / "claims").iterdir())) == 1


# ----------------------------------------------------------------------------------------------------------- folders


def test_the_build_folder_lies_beside_the_course_or_where_one_works(monkeypatch, tmp_path, root):
    monkeypatch.delenv("COURSE_BUILD")
    assert lab.build_folder() == root / "build"
    monkeypatch.setattr(lab, "_PACKAGE", tmp_path / "site-packages" / "course_lib")  # installed, as on Colab
    monkeypatch.chdir(tmp_path)
    assert lab.build_folder() == tmp_path / "build"
    monkeypatch.setenv("COURSE_BUILD", "~/mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert lab.build_folder() == tmp_path / "mine"


def test_lectures_are_known_in_order_with_title_and_times():
    known = lab.lectures()
    assert list(known) == sorted(known)
    for about in known.values():
        assert about["title"]
        assert all(key.split()[0] in lab.SIZES and seconds > 0 for key, seconds in about["seconds"].items())
