"""Distances between two clouds of feature vectors: Frechet, kernel, precision and recall, nearest.

The mathematics only: what the features mean is their maker's business. Knows no pictures.
Shape legend: N, M vectors, F features; everything is computed in float64 on the CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.errors import DataError

CHUNK = 2048


def frechet_distance(real: Tensor, made: Tensor) -> float:
    """Squared Frechet distance of the Gaussians fitted to [N, F] and [M, F].

    Heusel et al. 2017, equation 6. Biased upwards for few vectors: compare equal counts only.
    """
    a, b = _cloud(real, 2), _cloud(made, 2)
    _same_width(a, b)
    return gaussian_distance(a.mean(0), a.T.cov(), b.mean(0), b.T.cov())


def gaussian_distance(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) for covariances A, B [F, F].

    A^1/2 B A^1/2 is symmetric and has the eigenvalues of A B, so that eigh serves throughout and
    no complex root can appear where a covariance is singular.
    """
    cov_a, cov_b = torch.atleast_2d(cov_a), torch.atleast_2d(cov_b)
    root = _square_root(cov_a)
    product = root @ cov_b @ root
    eigenvalues = torch.linalg.eigvalsh((product + product.T) / 2).clamp(min=0)
    distance = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace()
    return max(0.0, float(distance - 2 * eigenvalues.sqrt().sum()))


def _square_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def kernel_distance(real: Tensor, made: Tensor, block: int = 1000) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / F + 1)^3.

    Binkowski et al. 2018. The mean over blocks of at most `block` vectors; may be slightly
    negative where the two agree.
    """
    a, b = _cloud(real, 2), _cloud(made, 2)
    _same_width(a, b)
    blocks = max(1, min(len(a), len(b)) // block)
    parts = zip(a.tensor_split(blocks), b.tensor_split(blocks), strict=True)
    return float(torch.stack([_discrepancy(x, y) for x, y in parts]).mean())


def _discrepancy(a: Tensor, b: Tensor) -> Tensor:
    def within(x: Tensor) -> Tensor:
        k = _kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * _kernel(a, b).mean()


def discrepancy(a: Tensor, b: Tensor) -> float:
    """The same discrepancy with its diagonal, never negative (Gretton et al. 2012, eq. 5): of two
    samples of one source it is what their size alone makes of it."""
    a, b = _cloud(a, 1), _cloud(b, 1)
    _same_width(a, b)
    return float(_kernel(a, a).mean() + _kernel(b, b).mean() - 2 * _kernel(a, b).mean())


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def precision_recall(real: Tensor, made: Tensor, neighbours: int = 3) -> tuple[float, float]:
    """How much of `made` lies within the real manifold, and of `real` within the made one.

    Kynkaanniemi et al. 2019: the manifold is the union of balls around the vectors, each reaching
    its k-th nearest neighbour (itself not counted).
    """
    a, b = _cloud(real, neighbours + 1), _cloud(made, neighbours + 1)
    _same_width(a, b)
    return _covered(b, a, neighbours), _covered(a, b, neighbours)


def coverage(real: Tensor, made: Tensor, neighbours: int = 5) -> float:
    """The share of `real` with one of `made` nearer than its own k-th nearest real neighbour.

    Naeem et al. 2020, eq. 8. Unlike recall it is not raised by a few made ones far away from
    everything; made ones that are real ones have 1 - 2^-k or so, not 1.
    """
    a, b = _cloud(real, 2), _cloud(made, 1)
    _same_width(a, b)
    near, neighbours = [], min(neighbours, len(a) - 1)
    for part in a.split(CHUNK):
        radius = _distances(part, a).kthvalue(neighbours + 1, dim=1).values
        near.append(_distances(part, b).min(dim=1).values < radius)
    return float(torch.cat(near).double().mean())


def _covered(points: Tensor, by: Tensor, neighbours: int) -> float:
    """The share of `points` inside at least one ball around `by`."""
    radii = torch.cat(
        [_distances(c, by).kthvalue(neighbours + 1, dim=1).values for c in by.split(CHUNK)]
    )
    inside = [(_distances(c, by) <= radii).any(dim=1) for c in points.split(CHUNK)]
    return float(torch.cat(inside).double().mean())


def nearest_distance(points: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Euclidean distance [N] of each vector to its nearest in [M, F], and that one's row [N]."""
    a, b = _cloud(points, 1), _cloud(among, 1)
    _same_width(a, b)
    found = [_distances(c, b).min(dim=1) for c in a.split(CHUNK)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """[n, m]. Differences rather than |a|^2 + |b|^2 - 2ab, which is not zero for equal vectors."""
    if a.shape[1] * len(a) * len(b) < 10_000_000:
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    distance = torch.cdist(a, b)
    # The quick form errs by about 1e-8 of the norms: what it calls tiny is zero.
    scale = a.norm(dim=1, keepdim=True) + b.norm(dim=1)
    return torch.where(distance < 1e-7 * scale, torch.zeros_like(distance), distance)


def _cloud(x: Tensor, least: int) -> Tensor:
    x = x.detach().to("cpu", torch.float64)
    if x.dim() != 2 or len(x) < least:
        raise DataError(f"features of shape {tuple(x.shape)}; at least {least} rows [N, F] needed")
    if not bool(x.isfinite().all()):
        raise DataError("features hold NaN or infinite numbers: the items are broken")
    return x


def _same_width(a: Tensor, b: Tensor) -> None:
    if a.shape[1] != b.shape[1]:
        raise DataError(f"features of {a.shape[1]} and {b.shape[1]} columns cannot be compared")
