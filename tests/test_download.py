"""Finding, checking and downloading one file, against a real server on this machine that can cut, tamper, refuse and wait."""

import gzip
import hashlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_lib.datasets.download import DataRefused, DataUnavailable, cache_folder, checked, download, find
from course_lib.datasets.published import DataArchive, DataFile

CONTENT = bytes(range(256)) * 3000  # 768 kB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Mirrors:
    """What a path says is what it does: /good, /cut (half of it), /tampered (one byte), /404, /together (waits for ``wait_for`` requests)."""

    def __init__(self):
        self.asked, self.wait_for, self.release = Counter(), 1, threading.Event()
        mirrors = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                kind = self.path.split("/")[1]
                mirrors.asked[kind] += 1
                if kind == "404":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                self.wfile.write(CONTENT[:1000] if kind == "together" else CONTENT[: len(CONTENT) // 2])
                if kind == "together":
                    if mirrors.asked[kind] >= mirrors.wait_for:
                        mirrors.release.set()
                    mirrors.release.wait(60)
                    self.wfile.write(CONTENT[1000:])
                elif kind != "cut":
                    half = CONTENT[len(CONTENT) // 2 :]
                    self.wfile.write(b"!" + half[1:] if kind == "tampered" else half)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def file(self, *kinds):
        port = self.server.server_port
        return DataFile("set/a.bin", len(CONTENT), SHA256, tuple(f"http://127.0.0.1:{port}/{kind}/a.bin" for kind in kinds))


@pytest.fixture
def mirrors(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mirrors = Mirrors()
    yield mirrors
    mirrors.release.set()
    mirrors.server.shutdown()
    mirrors.server.server_close()


def in_cache():
    return sorted(str(path.relative_to(cache_folder())) for path in cache_folder().rglob("*") if path.is_file())


def a_closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_download_is_checked_shown_and_kept(mirrors, capsys):
    file = mirrors.file("good", "404")
    assert find(file) is None
    assert download(file) == CONTENT
    assert in_cache() == ["set/a.bin"]
    where, place = find(file)
    assert (where, checked(place, file)) == ("cache", CONTENT)
    assert mirrors.asked == {"good": 1}
    said = capsys.readouterr()
    assert "downloading set/a.bin (0.8 MB)" in said.out
    assert "100%" in said.err


@pytest.mark.parametrize("first", ["cut", "tampered", "404"])
def test_where_one_mirror_fails_the_next_is_taken(mirrors, capsys, first):
    assert download(mirrors.file(first, "good")) == CONTENT
    assert mirrors.asked == {first: 1, "good": 1}
    assert in_cache() == ["set/a.bin"]
    assert ("sent is not the published file" in capsys.readouterr().out) == (first != "404")


def test_an_archive_counts_by_what_is_in_it(mirrors, monkeypatch):
    """The mirror packs the same files anew at every download, as GitHub may."""
    files = {"a/1.txt": b"one", "a/2.txt": b"two"}

    def packed(stamp, files):
        place = io.BytesIO()
        with zipfile.ZipFile(place, "w") as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(f"top/{name}", (stamp, 1, 1, 0, 0, 0)), content)
        return place.getvalue()

    listed = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    addresses = mirrors.file("tampered", "good").addresses
    archive = DataArchive("set/a.zip", tuple(files), 6, hashlib.sha256(listed.encode()).hexdigest(), 300, addresses)
    for stamp in (2001, 2002):
        monkeypatch.setitem(globals(), "CONTENT", packed(stamp, files))
        assert archive.unpack(download(archive)) == files
        assert in_cache() == ["set/a.zip"]
        assert archive.unpack(checked(find(archive)[1], archive)) == files
    monkeypatch.setitem(globals(), "CONTENT", packed(2003, files | {"a/2.txt": b"six"}))
    with pytest.raises(DataRefused, match=archive.sha256):
        download(archive)


def test_a_mirror_that_refuses_the_connection_is_passed_over(mirrors):
    good = mirrors.file("good")
    file = DataFile(good.path, good.size, good.sha256, (f"http://127.0.0.1:{a_closed_port()}/a.bin", *good.addresses))
    assert download(file) == CONTENT


@pytest.mark.parametrize("kind", ["cut", "tampered"])
def test_a_cut_or_tampered_download_is_refused_with_both_sums_and_advice(mirrors, kind):
    with pytest.raises(DataRefused) as refusal:
        download(mirrors.file("404", kind))
    message = str(refusal.value)
    count, sha256 = re.search(r"found (\d+) bytes.*, sha256 (\w+)", message).groups()
    half = len(CONTENT) // 2
    sent = CONTENT[: int(count)] if kind == "cut" else CONTENT[:half] + b"!" + CONTENT[half + 1 :]
    assert sha256 == hashlib.sha256(sent).hexdigest()
    for part in ("set/a.bin", f"{len(CONTENT)} bytes, sha256 {SHA256}", "404", "set COURSE_DATA", "run this again"):
        assert part in message
    assert ("cut short" in message) == (kind == "cut")
    assert in_cache() == []


def test_where_no_address_answers_the_message_lists_all_that_was_tried(mirrors):
    gone = mirrors.file("404")
    closed = f"http://127.0.0.1:{a_closed_port()}/a.bin"
    with pytest.raises(DataUnavailable) as failure:
        download(DataFile(gone.path, gone.size, gone.sha256, (closed, *gone.addresses)))
    message = str(failure.value)
    for part in (closed, *gone.addresses, "404", str(cache_folder()), "COURSE_DATA"):
        assert part in message
    assert in_cache() == []


def test_offline_no_address_is_asked(mirrors, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="COURSE_OFFLINE=1"):
        download(mirrors.file("good"))
    assert not mirrors.asked
    assert not cache_folder().exists()


def test_a_cache_that_cannot_be_written_is_named(mirrors, monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "a file"))
    with pytest.raises(DataUnavailable, match="set COURSE_CACHE"):
        download(mirrors.file("good"))


def test_course_data_comes_before_the_cache_and_a_packed_copy_is_the_same_file(mirrors, monkeypatch, tmp_path):
    file = mirrors.file("good")
    download(file)
    data = tmp_path / "data"
    (data / "set").mkdir(parents=True)
    monkeypatch.setenv("COURSE_DATA", str(data))
    assert find(file)[0] == "cache"
    packed = data / "set" / "a.bin.gz"
    packed.write_bytes(gzip.compress(CONTENT, mtime=0))
    where, place = find(file)
    assert (where, place) == ("COURSE_DATA", packed)
    assert checked(place, file) == CONTENT


WRONG = {
    "one byte changed": CONTENT[:-1] + b"!",
    "cut": CONTENT[:-1],
    "longer": CONTENT + b"!",
    "empty": b"",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_wrong_copy_is_refused_and_left_as_it_is(mirrors, tmp_path, content, packed):
    place = tmp_path / ("a.bin.gz" if packed else "a.bin")
    place.write_bytes(gzip.compress(content) if packed else content)
    before = place.read_bytes()
    with pytest.raises(DataRefused) as refusal:
        checked(place, mirrors.file("good"))
    for part in (str(place), SHA256, hashlib.sha256(content).hexdigest(), f"{len(CONTENT)} bytes", f"{len(content)} bytes", "Move it away"):
        assert part in str(refusal.value)
    assert place.read_bytes() == before


@pytest.mark.parametrize(
    "damage", [lambda good: good[: len(good) // 2], lambda good: b"no gzip" + good, lambda good: good[:-8] + b"\0" * 8]
)
def test_a_copy_whose_packing_is_broken_is_refused(mirrors, tmp_path, damage):
    place = tmp_path / "a.bin.gz"
    place.write_bytes(damage(gzip.compress(CONTENT)))
    with pytest.raises(DataRefused, match="packing is broken"):
        checked(place, mirrors.file("good"))


def test_course_data_must_be_a_folder(mirrors, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=r"COURSE_DATA must name a folder .*nowhere"):
        find(mirrors.file("good"))


SCRIPT = """
import sys
from course_lib.datasets.download import DataFile, download
path, size, sha256, address = sys.argv[1:]
print(len(download(DataFile(path, int(size), sha256, (address,)))), "bytes")
"""


def start_downloading(file):
    words = [file.path, str(file.size), file.sha256, file.addresses[0]]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=os.getcwd()
    )


@pytest.mark.slow
def test_processes_that_download_at_once_do_not_harm_each_other(mirrors):
    mirrors.wait_for = 3  # none gets its second half before all have begun
    file = mirrors.file("together")
    processes = [start_downloading(file) for _ in range(3)]
    try:
        for process in processes:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            assert f"{len(CONTENT)} bytes" in out
    finally:
        for process in processes:
            process.kill()
    assert mirrors.asked == {"together": 3}
    assert in_cache() == ["set/a.bin"]
    assert checked(find(file)[1], file) == CONTENT


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_download_that_is_killed_half_way_names_no_file(mirrors):
    mirrors.wait_for = 2  # the first never gets its second half
    file = mirrors.file("together")
    process = start_downloading(file)
    try:
        while not any(name.endswith(".part") for name in in_cache()):  # however long a busy machine takes to start it
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        assert find(file) is None
    finally:
        process.kill()
        process.communicate()
    assert find(file) is None
    assert download(file) == CONTENT
    assert checked(find(file)[1], file) == CONTENT
