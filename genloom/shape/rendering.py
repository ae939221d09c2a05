"""Pictures of meshes by a small rasteriser: a camera, a depth buffer, two lights and a shadow.

Needs no display and no library. Knows meshes and pixels; no file.
Shape legend: V corners, F triangles, H, W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genloom.shape.mesh import Mesh
from genloom.shape.pairs import boxed, turn

PAPER = (238, 238, 240)
FINER = 2  # pixels drawn for each one shown, along each side
KEY, FILL = (0.45, 0.80, 0.40), (-0.65, 0.25, 0.35)  # where light comes from, seen by the camera
CREASE = 0.75  # cosine: corners are smooth where triangles bend less than 41 degrees
SHADE = 0.80  # brightness of paper in the shadow


@dataclass(frozen=True, kw_only=True)
class Camera:
    """azimuth, elevation: degrees around and above; field: degrees that it sees from top to
    bottom."""

    azimuth: float = 35.0
    elevation: float = 22.0
    field: float = 28.0


def render(
    mesh: Mesh,
    side: int = 256,
    camera: Camera | None = None,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """uint8 [side, side, 3]. bounds: the box that fills the picture; the mesh's own by default."""
    camera, pixels = camera or Camera(), side * FINER
    paper = torch.tensor(PAPER, dtype=torch.float32).expand(pixels, pixels, 3).clone()
    if mesh.empty:
        return _shown(paper, side)
    low, high = mesh.bounds if bounds is None else bounds
    middle = torch.from_numpy((low + high).astype(np.float64) / 2)
    reach = max(float(np.linalg.norm(high - low)) / 2, 1e-9)
    turned = _rotation(camera)
    away = reach / math.sin(math.radians(camera.field / 2)) * 1.02
    lens = pixels / 2 / math.tan(math.radians(camera.field / 2))

    def seen(points: Tensor) -> Tensor:
        """[..., 3]: pixels to the right and down, and how far away."""
        x, y, z = ((points - middle) @ turned.T).unbind(-1)
        far = away - z
        return torch.stack((pixels / 2 + lens * x / far, pixels / 2 - lens * y / far, far), -1)

    faces = torch.from_numpy(mesh.faces)
    places = torch.from_numpy(mesh.vertices.astype(np.float64))
    _shadowed(paper, places, faces, float(low[1]), seen, turned)
    owner, share = _nearest(seen(places)[faces], pixels)
    there = owner >= 0
    rows, share = owner[there], share[there]
    normals = (_normals(mesh)[rows] * share[..., None]).sum(1) @ turned.T
    normals = torch.nn.functional.normalize(normals, dim=1)
    base = torch.from_numpy(mesh.painted()[mesh.faces].astype(np.float64))[rows]
    colour = (base * share[..., None]).sum(1)
    paper[there] = (colour * _light(normals)[:, None]).clamp(0, 255).float()
    return _shown(paper, side)


def turntable(mesh: Mesh, frames: int = 12, side: int = 256, elevation: float = 22.0) -> np.ndarray:
    """uint8 [frames, side, side, 3], once around."""
    each = [Camera(azimuth=360.0 * n / frames + 35.0, elevation=elevation) for n in range(frames)]
    low, high = mesh.bounds if not mesh.empty else (np.zeros(3), np.ones(3))
    round_ = np.hypot(*(high - low)[[0, 2]]) / 2  # the box in which it turns
    middle = (low + high) / 2
    wide = np.array([round_, (high - low)[1] / 2, round_]) / np.array([2**0.5, 1, 2**0.5])
    box = middle - wide, middle + wide
    return np.stack([render(mesh, side, camera, box) for camera in each])


def _rotation(camera: Camera) -> Tensor:
    """float64 [3, 3]: to the camera's right, up and towards it."""
    a, e = math.radians(camera.azimuth), math.radians(camera.elevation)
    around = torch.tensor(
        [[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]],
        dtype=torch.float64,
    )
    over = torch.tensor(
        [[1, 0, 0], [0, math.cos(e), -math.sin(e)], [0, math.sin(e), math.cos(e)]],
        dtype=torch.float64,
    )
    return over @ around


def _nearest(corners: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
    """Which triangle each pixel shows, long [H, W], -1 for none, and the shares of its corners
    there, float64 [H, W, 3]. corners: [F, 3, 3] in pixels and depth."""
    flat, depth = corners[..., :2], corners[..., 2]
    best = torch.full((pixels * pixels,), float("inf"), dtype=torch.float64)
    owner = torch.full((pixels * pixels,), -1, dtype=torch.long)
    shares = torch.zeros(pixels * pixels, 3, dtype=torch.float64)
    low, high = (flat.amin(1) - 0.5).ceil().long(), (flat.amax(1) - 0.5).floor().long()
    low[(depth <= 0).any(1)] = pixels  # behind the camera
    for rows, place in boxed(low, high, (pixels, pixels)):
        a, b, c = flat[rows].unbind(1)
        p = place.double() + 0.5
        share = torch.stack((turn(b, c, p), turn(c, a, p), turn(a, b, p)), 1)
        whole = turn(a, b, c)
        hit = ((share * whole.sign()[:, None]) >= 0).all(1) & (whole.abs() > 1e-12)
        rows, share = rows[hit], share[hit] / whole[hit, None]
        share = share / depth[rows]  # straight lines in space, seen in perspective
        far = 1 / share.sum(1)
        share = share * far[:, None]
        spot = place[hit, 1] * pixels + place[hit, 0]
        best.scatter_reduce_(0, spot, far, "amin")
        won = far <= best[spot]
        owner[spot[won]], shares[spot[won]] = rows[won], share[won]
    return owner.reshape(pixels, pixels), shares.reshape(pixels, pixels, 3)


def _normals(mesh: Mesh) -> Tensor:
    """float64 [F, 3, 3] at each corner: smooth where triangles bend little, else the triangle's
    own."""
    crosses = mesh.crosses()
    sums = np.zeros((len(mesh.vertices), 3))
    for n in range(3):
        np.add.at(sums, mesh.faces[:, n], crosses)
    own = crosses / np.maximum(np.linalg.norm(crosses, axis=1, keepdims=True), 1e-30)
    smooth = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-30)
    corner = smooth[mesh.faces]
    near = (corner * own[:, None]).sum(-1, keepdims=True) > CREASE
    return torch.from_numpy(np.where(near, corner, own[:, None]))


def _light(normals: Tensor) -> Tensor:
    """float64 [N]: brightness of surfaces with these normals, seen by the camera. What shows its
    back is lit as its front would be."""
    normals = torch.where(normals[:, 2:] < 0, -normals, normals)
    out = torch.full((len(normals),), 0.36, dtype=torch.float64)
    for where, strength in ((KEY, 0.62), (FILL, 0.22)):
        light = torch.nn.functional.normalize(torch.tensor(where, dtype=torch.float64), dim=0)
        out += strength * (normals @ light).clamp(min=0)
    return out


def _shadowed(paper: Tensor, places: Tensor, faces: Tensor, ground: float, seen, turned) -> None:
    """Darken the paper where the key light does not reach the ground."""
    light = torch.tensor(KEY, dtype=torch.float64) @ turned  # in the mesh's own space
    light = torch.stack((0.5 * light[0], light[1].clamp(min=0.6), 0.5 * light[2]))
    down = (places[:, 1:2] - ground) / light[1]
    flat = places - down * light
    owner, _ = _nearest(seen(flat)[faces], len(paper))
    dark = (owner >= 0).float()[None, None]
    wide = max(1, len(paper) // 64) * 2 + 1
    soft = torch.nn.functional.avg_pool2d(dark, wide, 1, wide // 2, count_include_pad=False)
    paper *= 1 - (1 - SHADE) * soft[0, 0, ..., None]


def _shown(paper: Tensor, side: int) -> np.ndarray:
    small = paper.reshape(side, FINER, side, FINER, 3).mean((1, 3))
    return small.round().byte().numpy()
