"""Series: the real ones are read to the last digit, the stand-ins behave like them."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.mixture import GaussianMixture

from course_lib.datasets import registry, series


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["quick", "full"])
def size(request):
    """Both sizes, the full one where real data are."""
    if request.param == "full":
        request.getfixturevalue("real_data")
    return request.param


@pytest.mark.parametrize("asked", ["quick", "full"])
def test_what_stands_in_is_said_aloud_and_kept_in_source(asked, nothing_here, capsys):
    returns, voices = series.monthly_returns(size=asked), series.vowel_cepstra("train", size=asked)
    said = capsys.readouterr().out
    assert "brightness steps" in said
    assert "nine made-up speakers stand in" in said
    assert ("could not be had" in said) == (asked == "full")
    assert "china.jpg" in returns.source
    assert "made-up" in voices.source


def test_a_tampered_file_is_refused_and_nothing_stands_in_for_it(nothing_here, monkeypatch, tmp_path):
    for path in ("finance-sp500/data.csv", "timeseries-ucr/JapaneseVowels_TRAIN.ts.gz"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(b"Date,SP500\n1871-01-01,4.44\n")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(registry.DataRefused):
        series.monthly_returns(size="full")
    with pytest.raises(registry.DataRefused):
        series.vowel_cepstra("train", size="full")


def test_a_wrong_word_is_an_error():
    with pytest.raises(ValueError, match=r"size must be one of \('quick', 'full'\), got 'small'"):
        series.monthly_returns(size="small")
    with pytest.raises(ValueError, match=r"split must be one of \('train', 'test'\), got 'valid'"):
        series.vowel_cepstra("valid", size="quick")


def test_returns_are_logs_of_price_ratios(monkeypatch):
    table = "Date,SP500,Dividend\n1871-01-01,4.0,0.26\n1871-02-01,8.0,0.26\n1871-03-01,2.0,0.0\n"
    monkeypatch.setattr(registry, "read", lambda path: table.encode())
    values = series.monthly_returns(size="full").values
    torch.testing.assert_close(values, torch.tensor([math.log(2), -math.log(4)], dtype=torch.float64))


def test_the_stand_in_for_returns_is_as_long_as_they_and_its_tails_are_as_heavy():
    values = series.monthly_returns(size="quick").values
    assert values.shape == (1865,)
    assert values.isfinite().all()
    assert 5 < stats.kurtosis(values) < 20  # the S&P 500 has 11, a Gaussian 0
    beyond_four_sigma = ((values - values.mean()).abs() > 4 * values.std()).sum()
    assert beyond_four_sigma >= 8  # a Gaussian promises 0.1
    assert (values == 0).double().mean() < 0.15
    assert torch.equal(values, series.monthly_returns(size="quick").values)


def test_utterances_are_read_frame_by_frame(monkeypatch):
    head = "#a comment with @ and : in it\n@problemName JapaneseVowels\n@classLabel true 1 2 3 4 5 6 7 8 9\n@data\n"
    lines = [
        ":".join([",".join(str(100 * u + 10 * t + c) for t in range(length)) for c in range(12)] + [label])
        for u, length, label in ((1, 3, "9"), (2, 2, "1"))
    ]
    monkeypatch.setattr(registry, "read", lambda path: (head + "\n".join(lines) + "\n").encode())
    data = series.vowel_cepstra("test", size="full")
    want = torch.tensor([[100.0 * u + 10 * t + c for c in range(12)] for u, t in ((1, 0), (1, 1), (1, 2), (2, 0), (2, 1))]).double()
    assert torch.equal(data.frames, want)
    assert data.speaker.tolist() == [8, 8, 8, 0, 0]
    assert data.utterance.tolist() == [0, 0, 0, 1, 1]


def test_cepstra_are_the_fourier_series_of_the_log_spectrum():
    poles = torch.tensor([[0.9 * np.exp(0.5j), 0.8 * np.exp(1.7j)], [0.95 * np.exp(0.3j), 0.7 * np.exp(2.9j)]])
    real = torch.tensor([0.7, -0.2], dtype=torch.float64)
    got = series._cepstra(poles, real)
    for row, pair, single in zip(got, poles.numpy(), real.numpy(), strict=True):
        a = np.poly([*pair, *pair.conj(), single]).real  # A(z) = 1 + Σ a_m z^-m
        log_spectrum = -np.log(np.abs(np.fft.rfft(a, 4096)) ** 2)
        np.testing.assert_allclose(row, np.fft.irfft(log_spectrum)[1:13], atol=1e-9)
        c = np.zeros(13)  # and the recursion of linear prediction gives the same
        a = np.append(a, np.zeros(13))
        for n in range(1, 13):
            c[n] = -a[n] - sum(k / n * c[k] * a[n - k] for k in range(1, n))
        np.testing.assert_allclose(row, c[1:], atol=1e-12)


def utterances(split, size):
    data = series.vowel_cepstra(split, size=size)
    count = int(data.utterance.max()) + 1
    who = torch.full((count,), -1).scatter(0, data.utterance, data.speaker)
    assert torch.equal(who[data.utterance], data.speaker)  # one speaker an utterance
    assert (data.utterance.diff() >= 0).all()
    return data, who


def test_nine_voices_as_many_utterances_and_frames_as_recorded(size):
    train, who = utterances("train", size)
    assert who.bincount().tolist() == [30] * 9
    test, who_test = utterances("test", size)
    assert who_test.bincount().tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    for data in (train, test):
        length = data.utterance.bincount()
        assert length.min() == 7
        assert 25 < length.max() <= 29
        assert 15 < length.double().mean() < 17
        assert data.frames.dtype == torch.float64
        assert data.frames.isfinite().all()
    if size == "quick":
        assert torch.equal(train.frames, series.vowel_cepstra("train", size=size).frames)  # the same in every run


def test_made_up_voices_glide_from_a_to_e():
    data, _ = utterances("train", "quick")
    n, hertz = torch.arange(1, 13).double(), torch.tensor([753.0, 1385.0, 500.0, 1947.0]).double()  # formants of /a/, then of /e/
    level = data.frames @ torch.cos(2 * math.pi * n[:, None] * hertz / 10_000)  # (N, 4) log spectrum
    e_like = level[:, 2:].sum(1) - level[:, :2].sum(1)
    begins = torch.cat([torch.tensor([True]), data.utterance.diff() > 0])
    ends = torch.cat([data.utterance.diff() > 0, torch.tensor([True])])
    assert (e_like[ends] > e_like[begins] + 0.5).double().mean() > 0.99
    assert e_like[begins].median() < 0 < e_like[ends].median()


def accuracy_and_score(K, size, covariance):
    train, test = series.vowel_cepstra("train", size=size), series.vowel_cepstra("test", size=size)
    models = [
        GaussianMixture(K, covariance_type=covariance, random_state=0).fit(train.frames[train.speaker == s].numpy()) for s in range(9)
    ]
    score = torch.stack([torch.from_numpy(model.score_samples(test.frames.numpy())) for model in models], 1)  # (N, 9)
    count = int(test.utterance.max()) + 1
    said = torch.zeros(count, 9, dtype=torch.float64).index_add(0, test.utterance, score).argmax(1)
    who = torch.zeros(count, dtype=torch.long).scatter(0, test.utterance, test.speaker)
    return float((said == who).double().mean()), float(score.gather(1, test.speaker[:, None]).mean())


@pytest.mark.slow
def test_mixtures_tell_the_voices_apart_better_than_one_gaussian(size):
    one, two, full = (accuracy_and_score(K, size, covariance) for K, covariance in ((1, "diag"), (2, "diag"), (1, "full")))
    for accuracy, _ in (one, two, full):
        assert 0.88 < accuracy < 0.99
    assert two[0] > one[0]
    assert two[1] > one[1] + 1  # nats a frame, on utterances that were not trained on
    assert full[0] > one[0]


def test_the_real_returns(real_data):
    values = series.monthly_returns(size="full").values
    assert values.shape == (1865,)
    torch.testing.assert_close(values[0], torch.tensor(math.log(4.5 / 4.44), dtype=torch.float64))
    torch.testing.assert_close(values.sum(), torch.tensor(math.log(7450.03 / 4.44), dtype=torch.float64))
    assert stats.kurtosis(values) > 8
    assert 0.2 < torch.corrcoef(torch.stack([values[1:], values[:-1]]))[0, 1] < 0.35  # as the docstring says


def test_the_real_voices(real_data):
    train = series.vowel_cepstra("train", size="full")
    assert train.frames.shape == (4274, 12)
    assert train.frames[:2, 0].tolist() == [1.860936, 1.891651]
    assert train.frames[0, 1].item() == -0.207383
    assert series.vowel_cepstra("test", size="full").frames.shape == (5687, 12)
