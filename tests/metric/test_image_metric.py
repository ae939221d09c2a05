"""Distances between clouds against closed forms, and the judge against pictures it can learn."""

from __future__ import annotations

import pytest
import torch

from genloom.codec.image.codec import ImageCodec
from genloom.errors import DataError
from genloom.metric.classifier import train_classifier
from genloom.metric.fixed_features import WIDTH, fixed_features
from genloom.metric.image import (
    coverage,
    frechet_distance,
    gaussian_distance,
    kernel_distance,
    nearest_distance,
    precision_recall,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gaussians_that_commute_have_a_closed_form():
    mean_a, mean_b = torch.tensor([1.0, 2.0]).double(), torch.tensor([4.0, -2.0]).double()
    cov_a, cov_b = (torch.diag(torch.tensor(v).double()) for v in ((4.0, 9.0), (1.0, 16.0)))
    expected = 25 + (2 - 1) ** 2 + (3 - 4) ** 2
    assert gaussian_distance(mean_a, cov_a, mean_b, cov_b) == pytest.approx(expected, abs=1e-9)


def test_gaussians_that_do_not_commute_match_the_eigenvalues_of_the_product():
    a, b = normal(5, 5), normal(5, 5, seed=1)
    cov_a, cov_b = a @ a.T, b @ b.T
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.sqrt().sum()
    expected = cov_a.trace() + cov_b.trace() - 2 * roots
    zero = torch.zeros(5).double()
    assert gaussian_distance(zero, cov_a, zero, cov_b) == pytest.approx(float(expected), rel=1e-9)


def test_frechet_distance_of_samples_nears_that_of_their_gaussians():
    real = normal(20_000, 3)
    made = normal(20_000, 3, seed=1) * torch.tensor([1.0, 2.0, 3.0]) + 1
    assert frechet_distance(real, made) == pytest.approx(3 + 0 + 1 + 4, rel=0.05)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_with_fewer_vectors_than_features_and_one_feature():
    assert frechet_distance(normal(5, 40), normal(6, 40, seed=1)) > 0
    assert frechet_distance(normal(5, 40), normal(5, 40)) == pytest.approx(0, abs=1e-5)
    assert frechet_distance(normal(50, 1), normal(50, 1) + 2) == pytest.approx(4, abs=1e-6)


def test_kernel_distance_is_unbiased_and_sees_a_difference():
    same = [kernel_distance(normal(100, 8, seed=n), normal(100, 8, seed=n + 50)) for n in range(40)]
    spread = torch.tensor(same).std() / 40**0.5
    assert abs(sum(same) / 40) < 3 * spread
    assert kernel_distance(normal(100, 8), normal(100, 8, seed=1) + 1) > 10 * max(map(abs, same))


def test_kernel_distance_matches_the_sum_over_pairs():
    a, b = normal(4, 3), normal(5, 3, seed=1)

    def k(x, y):
        return float((x @ y / 3 + 1) ** 3)

    aa = [k(a[i], a[j]) for i in range(4) for j in range(4) if i != j]
    bb = [k(b[i], b[j]) for i in range(5) for j in range(5) if i != j]
    ab = [k(x, y) for x in a for y in b]
    expected = sum(aa) / 12 + sum(bb) / 20 - 2 * sum(ab) / 20
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_precision_and_recall_at_their_ends():
    real = normal(60, 4)
    assert precision_recall(real, real) == (1.0, 1.0)
    assert precision_recall(real, real + 100) == (0.0, 0.0)
    # Few modes, all of them real: precise, but most of the real ones are out of reach.
    precision, recall = precision_recall(real, real[:4].repeat(15, 1))
    assert precision == 1.0
    assert recall < 0.2
    # Twice as wide: reaches everything real, is often somewhere else itself.
    precision, recall = precision_recall(normal(300, 2), 4 * normal(300, 2, seed=1))
    assert precision < 0.6 < 0.9 < recall


def test_precision_and_recall_do_not_depend_on_the_chunk(monkeypatch):
    real, made = normal(90, 4), normal(80, 4, seed=1) * 1.5
    whole = precision_recall(real, made)
    monkeypatch.setattr("genloom.metric.image.CHUNK", 7)
    assert precision_recall(real, made) == whole


def test_nearest():
    among = normal(30, 5)
    distance, rows = nearest_distance(torch.stack([among[7], among[3] + 1e-3]), among)
    assert rows.tolist() == [7, 3]
    assert distance[0] == 0
    assert float(distance[1]) == pytest.approx(1e-3 * 5**0.5, rel=1e-6)


def test_the_quick_distance_still_calls_equal_vectors_equal():
    among = normal(2000, 64) * 100
    distance, rows = nearest_distance(among[:1000], among)
    assert rows.tolist() == list(range(1000))
    assert distance.max() == 0


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance, precision_recall])
def test_clouds_that_cannot_be_measured(measure):
    good = normal(10, 3)
    broken = good.clone()
    broken[2, 1] = float("nan")
    for bad in (broken, good[:1], good[0], normal(10, 4)):
        with pytest.raises(DataError):
            measure(good, bad)


# --- features ------------------------------------------------------------------------------------


def shapes(count, seed=0, channels=1, side=16):
    """Bars that lie or stand, at a random place, label 0 or 1; a third class is left out."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (count,), generator=rng)
    x = torch.full((count, channels, side, side), -1.0)
    for n, at in enumerate(torch.randint(3, side - 5, (count,), generator=rng).tolist()):
        if labels[n]:
            x[n, :, at : at + 2, 2:-2] = 1
        else:
            x[n, :, 2:-2, at : at + 2] = 1
    return x + 0.1 * torch.randn(x.shape, generator=rng), labels


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_fixed_features_are_the_same_every_time(channels):
    x, _ = shapes(6, channels=channels, side=20)
    features = fixed_features(x)
    assert features.shape == (6, WIDTH)
    assert torch.equal(features, fixed_features(x))
    assert torch.allclose(features[2:3], fixed_features(x[2:3]), atol=1e-5)


def test_fixed_features_are_those_of_the_first_release():
    """A change of the space would make every published number mean something else."""
    x = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    got = fixed_features(x)[0]
    assert float(got.square().sum()) == pytest.approx(GOLDEN, rel=1e-4)


GOLDEN = 112.28367


def test_fixed_features_of_wrong_shapes():
    with pytest.raises(DataError, match="expected"):
        fixed_features(torch.zeros(2, 2, 8, 8))
    with pytest.raises(DataError, match="expected"):
        fixed_features(torch.zeros(3, 8, 8))
    assert fixed_features(torch.zeros(0, 1, 8, 8)).shape == (0, WIDTH)


def test_fixed_features_rank_damage():
    real, same = fixed_features(shapes(150)[0]), fixed_features(shapes(150, seed=1)[0])
    x = shapes(150, seed=2)[0]
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    one_mode = x[:1].expand_as(x) + 1e-3 * torch.randn(x.shape)
    base = frechet_distance(real, same)
    assert base < frechet_distance(real, fixed_features(blurred))
    assert base < frechet_distance(real, fixed_features(one_mode))


def test_the_judge_learns_is_deterministic_and_has_features():
    x, labels = shapes(48)
    test_x, test_labels = shapes(100, seed=1)
    judge = train_classifier(x, labels, shown=0)
    assert judge.accuracy(test_x, test_labels) > 0.97
    assert judge.features(test_x).shape == (100, 128)
    assert not judge.training
    again = train_classifier(x, labels, shown=0)
    assert torch.equal(judge.features(test_x), again.features(test_x))
    other = train_classifier(x, labels, shown=0, seed=1)
    assert not torch.equal(judge.features(test_x), other.features(test_x))


def test_the_judge_leaves_the_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    x, labels = shapes(16)
    train_classifier(x, labels, shown=0)
    assert torch.equal(torch.rand(1), expected)


def test_the_judge_refuses_wrong_labels():
    x, labels = shapes(8)
    for bad in (labels[:5], labels - 1, labels + 3):
        with pytest.raises(DataError):
            train_classifier(x, bad, classes=2)
    with pytest.raises(DataError):
        train_classifier(x[:1], labels[:1])


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(600)
def test_the_judge_knows_digits(shared):
    """The last 10,000 are held out; about a minute on two cores."""
    codec = ImageCodec(size=28, mode="L")
    items = codec.read(shared / "data" / "mnist").items
    x, labels = codec.encode(items), torch.tensor([int(c) for c in codec.captions(items)])
    torch.set_num_threads(2)
    judge = train_classifier(x[:-10_000], labels[:-10_000])
    torch.set_num_threads(1)
    assert judge.accuracy(x[-10_000:], labels[-10_000:]) >= 0.985


def test_coverage_is_of_the_real_ones_and_is_not_raised_by_what_is_far_away() -> None:
    real, other = normal(400, 4), normal(400, 4, seed=1)
    assert coverage(real, real) == 1.0
    assert coverage(real, other) > 0.9  # as much as another draw of the same can have: 1 - 2^-5
    assert coverage(real, real + 100) == 0.0
    assert coverage(real, real[:4].repeat(50, 1)) < 0.2  # four modes of many
    heaps = torch.cat((real, real + 100))
    assert coverage(heaps, torch.cat((other, other))) == pytest.approx(0.5, abs=0.05)
    assert coverage(real[:3], real[:3]) == 1.0  # fewer than it has neighbours
    wide = 30 * other  # recall takes such balls for the whole
    assert precision_recall(real, wide)[1] > 0.9 > 0.3 > coverage(real, wide)
    assert coverage(real[:, :2], other[:, :2]) == coverage(real[:, :2].flip(0), other[:, :2])
