"""The registered recordings: their tables agree with the lists that came with the files."""

import csv
from urllib.parse import unquote

import pytest

from course_lib.datasets.published import DataArchive, DataFile
from course_lib.datasets.recordings import ESC10, FSDD, FSDD_SPEAKERS, RECORDINGS

FILES = {file.path: file for data in RECORDINGS.values() for file in data.files}


def test_the_digits_are_six_speakers_ten_digits_and_fifty_takes():
    assert len(set(FSDD)) == len(FSDD) == 3000
    assert FSDD[0] == "recordings/0_george_0.wav"
    assert {name.split("_")[1] for name in FSDD} == set(FSDD_SPEAKERS)
    assert len(set(ESC10)) == len(ESC10) == 70
    assert len({name.split("/")[0] for name in ESC10}) == 10


@pytest.mark.parametrize("folder", ["fsdd", "esc10-cc0"])
def test_the_members_are_those_of_the_list(folder, real_data):
    with (real_data / folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file, delimiter="\t")]
    (archive,) = RECORDINGS[folder].files
    assert isinstance(archive, DataArchive)
    assert sorted(archive.members) == sorted(row["path"] for row in rows)
    assert all(row.get("licence", "CC0") == "CC0" for row in rows)


@pytest.mark.parametrize("folder", ["speech-samples", "librosa-audio"])
def test_the_addresses_are_those_of_the_list(folder, real_data):
    with (real_data / folder / "manifest.tsv").open(encoding="utf-8") as file:
        listed = {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}
    mine = [file for path, file in FILES.items() if path.startswith(f"{folder}/")]
    assert mine
    for file in mine:
        row = listed[file.path.split("/")[1]]
        assert isinstance(file, DataFile)
        assert file.sha256 == row["sha256"]
        assert file.addresses[0] == row["url"]
        assert all(unquote(address).endswith(file.path.split("/")[1]) for address in file.addresses)
