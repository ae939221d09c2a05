"""Transparency in arrays: what is unseen has one value, so that no net learns what lies under it.

Colours are multiplied by alpha about mid grey (Porter & Duff 1984): an unseen pixel is 0 whatever
its file held. Coming back, colours are divided again and those next to an edge run on beneath it,
so that a game that samples between pixels finds no fringe. Knows arrays only: no file, no net.
Shape legend: H rows, W columns; 4 channels are red, green, blue and alpha.
"""

from __future__ import annotations

import numpy as np

SEEN = 250  # alpha below this is see-through
LEAST_CLEAR = 0.01  # share of see-through pixels from which a picture has a transparent background
FEW_SOFT = 0.05  # soft pixels among those not opaque, up to which edges count as hard
UNDER = 2  # pixels that colours run on beneath an edge


def has_clear(pixels: np.ndarray) -> bool:
    """Whether a picture uint8 [H, W, 4] has a background that one sees through."""
    return bool((pixels[..., 3] < SEEN).mean() >= LEAST_CLEAR)


def has_hard_edges(pixels: np.ndarray) -> bool:
    """Whether nearly every pixel of uint8 [H, W, 4] is either there or not, as in pixel art."""
    alpha = pixels[..., 3]
    soft = ((alpha > 255 - SEEN) & (alpha < SEEN)).sum()
    return bool(soft <= FEW_SOFT * max(1, (alpha < SEEN).sum()))


def hardened(alpha: np.ndarray) -> np.ndarray:
    """uint8, every value at 0 or 255."""
    return np.where(alpha >= 128, 255, 0).astype(np.uint8)


def multiplied(pixels: np.ndarray, hard: bool) -> np.ndarray:
    """uint8 [H, W, 4] -> float32 within [-1, 1]: colours times alpha, and alpha."""
    alpha = hardened(pixels[..., 3:]) if hard else pixels[..., 3:]
    colours = (pixels[..., :3].astype(np.float32) / 127.5 - 1) * (alpha / np.float32(255))
    return np.concatenate([colours, alpha.astype(np.float32) / 127.5 - 1], -1)


def divided(values: np.ndarray, hard: bool) -> np.ndarray:
    """The inverse of `multiplied`: float within [-1, 1] -> uint8 [H, W, 4]."""
    alpha = ((values[..., 3:] + 1) * 127.5).round().astype(np.uint8)
    share = np.maximum(alpha, 1).astype(np.float32) / 255
    if hard:  # what a net draws half there is there in full: its colour is that of what it covers
        alpha = hardened(alpha)
    colours = np.clip(values[..., :3] / share, -1, 1)
    made = np.concatenate([((colours + 1) * 127.5).round().astype(np.uint8), alpha], -1)
    return run_under(made)


def run_under(pixels: np.ndarray) -> np.ndarray:
    """Unseen pixels next to seen ones take the mean of their colours; the rest become 0."""
    seen = pixels[..., 3] > 0
    if seen.all():
        return pixels
    colour = pixels[..., :3] * seen[..., None].astype(np.float32)
    known = seen.astype(np.float32)
    for _ in range(UNDER):
        around, count = _neighbours(colour * known[..., None]), _neighbours(known[..., None])
        new = (known == 0) & (count[..., 0] > 0)
        colour[new] = around[new] / count[new]
        known[new] = 1
    out = pixels.copy()
    out[..., :3][~seen] = colour[~seen].round().astype(np.uint8)
    return out


def _neighbours(x: np.ndarray) -> np.ndarray:
    """The sum over the eight around each pixel, [H, W, C]."""
    height, width = x.shape[:2]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    offsets = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return sum((padded[i : i + height, j : j + width] for i, j in offsets), np.zeros_like(x))
