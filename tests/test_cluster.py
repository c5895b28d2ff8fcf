"""Whatever is wrong with a cluster is said in words, after a time that is stated; workers with other code grade nothing."""

import dataclasses
import os

import pytest
from distributed import Client, LocalCluster
from test_engines import job

from course_lib.command import Lacking, Refused
from course_lib.grading.judging import cluster
from course_lib.grading.records import Status

EMPTY = [dataclasses.replace(job(str(i)), data=None) for i in range(3)]


@pytest.fixture
def here():
    """A cluster of processes on this machine, without a worker at first."""
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as made:
        yield made


def test_where_nobody_answers_the_address_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    with pytest.raises(Lacking, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 "):
        list(cluster.on_cluster(EMPTY, address="tcp://127.0.0.1:9"))


@pytest.mark.parametrize(("word", "said"), [("scheduler", "missing port"), ("ftp://a:1", "unknown address scheme")])
def test_what_is_no_address_is_a_users_mistake(word, said):
    with pytest.raises(ValueError, match=said):
        list(cluster.on_cluster(EMPTY, address=word))


@pytest.mark.slow
def test_a_cluster_without_workers_is_waited_for_so_long_and_no_longer(here, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "_WORKER_S", 1)
    with pytest.raises(Lacking, match="no worker for 1 s: start one with  dask worker tcp://"):
        list(cluster.on_cluster(EMPTY, address=here.scheduler_address))
    assert "waiting for one, 1 s at most" in capsys.readouterr().out


@pytest.mark.slow
def test_workers_with_this_machines_code_grade_and_with_another_do_not(here, monkeypatch):
    here.scale(1)
    found = list(cluster.on_cluster(EMPTY, address=here.scheduler_address))
    assert sorted(graded.record.student for graded in found) == ["0", "1", "2"]
    assert {graded.record.status for graded in found} == {Status.MISSING}
    coordinator = os.getpid()
    monkeypatch.setattr(cluster, "library", lambda: "this" if os.getpid() == coordinator else "another")
    monkeypatch.setattr(Client, "submit", None)  # nothing is sent to it
    with pytest.raises(Refused, match="no notebook is given to tcp://"):
        list(cluster.on_cluster(EMPTY, address=here.scheduler_address))
    monkeypatch.undo()
    monkeypatch.setattr(Client, "run", lambda *_, **__: {})  # a worker that comes later is not asked
    monkeypatch.setattr(cluster, "library", lambda: "this")
    with pytest.raises(Refused, match="what is graded stays"):
        list(cluster.on_cluster(EMPTY, address=here.scheduler_address))


def test_a_worker_too_old_to_be_asked_is_refused():
    with pytest.raises(Refused, match="tcp://a, tcp://b, tcp://c and others"):
        cluster._refuse({f"tcp://{name}": AttributeError("library") for name in "abcd"}, "0")
    cluster._refuse({"tcp://a": "0"}, "0")


def test_the_digest_changes_with_a_module_s_name_and_with_its_content(tmp_path, monkeypatch):
    judging = tmp_path / "grading" / "judging"
    judging.mkdir(parents=True)
    (tmp_path / "a.py").write_text("1")
    monkeypatch.setattr(cluster, "__file__", str(judging / "cluster.py"))
    seen = [cluster.library()]
    (tmp_path / "a.py").write_text("2")
    seen.append(cluster.library())
    (tmp_path / "a.py").rename(judging / "a.py")
    seen.append(cluster.library())
    assert len(set(seen)) == 3
    (tmp_path / "notes.txt").write_text("no code")
    assert cluster.library() == seen[-1]
