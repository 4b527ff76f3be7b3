"""Node positions of a network: projected coordinates, or a drawn layout where there are none."""

import numpy as np
from numpy.typing import NDArray

from core.charts.scale import Floats

Indices = NDArray[np.int64]

MOST_SPRUNG = 200  # nodes; the spring layout's cost grows with their square
SPRING_ROUNDS = 120
CENTRE_PULL = 0.5  # keeps separate components from flying apart
SPHERE_TOLERANCE = 0.1


def project_nodes(coordinates: Floats) -> Floats:
    """Project coordinates to the plane as seen from +z, float64, (n, 2).

    Points on a sphere, such as electrodes, keep their arc length from its top (azimuthal equidistant) so that
    those at the rim do not crowd.
    """
    if coordinates.shape[1] == 2:
        return coordinates
    largest = np.abs(coordinates).max() or 1.0
    points = coordinates / largest
    radii = np.linalg.norm(points, axis=1)
    if not radii.mean() or radii.std() > SPHERE_TOLERANCE * radii.mean():
        return points[:, :2]
    flat = np.linalg.norm(points[:, :2], axis=1)
    arc = np.arctan2(flat, points[:, 2])
    projected: Floats = points[:, :2] * np.divide(arc, flat, out=np.ones_like(arc), where=flat > 0)[:, None]
    return projected


def place_on_circle(count: int) -> Floats:
    """Place nodes evenly on the unit circle, the first on top, clockwise, float64, (n, 2)."""
    angles = np.pi / 2 - 2 * np.pi * np.arange(count) / max(count, 1)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def place_by_springs(count: int, edges: Indices, seed: int = 0) -> Floats:
    """Place nodes by repulsion and springs along edges (Fruchterman and Reingold 1991), float64, (n, 2).

    Starts from the second and third eigenvector of the graph Laplacian, which lay a mesh out unfolded, with a
    seeded jitter that parts nodes they put in one place.
    """
    joined = np.zeros((count, count), dtype=bool)
    joined[edges[:, 0], edges[:, 1]] = joined[edges[:, 1], edges[:, 0]] = True
    np.fill_diagonal(joined, False)
    _, modes = np.linalg.eigh(np.diag(joined.sum(axis=1)) - joined.astype(np.float64))
    positions: Floats = modes[:, 1:3] * np.sqrt(count)
    positions += np.random.default_rng(seed).normal(scale=0.02, size=(count, 2))
    spacing = 2.0 / np.sqrt(count)
    for reach in np.linspace(0.2, 0.002, SPRING_ROUNDS):
        offsets = positions[:, None] - positions
        distances = np.maximum(np.linalg.norm(offsets, axis=2), 1e-3)
        pull = spacing**2 / distances**2 - joined * distances / spacing
        forces = (offsets * pull[..., None]).sum(axis=1) - CENTRE_PULL * positions
        lengths = np.maximum(np.linalg.norm(forces, axis=1, keepdims=True), 1e-9)
        positions += forces / lengths * np.minimum(lengths, reach)
    return positions


def place_nodes(coordinates: Floats, edges: Indices) -> Floats:
    """Place the nodes of a network in the plane, float64, (n, 2), y upwards.

    Args:
        coordinates: (n, 2) or (n, 3); (n, 0), or any that is not finite, asks for a layout: springs up to 200
            nodes, the circle beyond.
    """
    count, dimensions = coordinates.shape
    if dimensions and np.isfinite(coordinates).all():
        return project_nodes(coordinates)
    if 2 < count <= MOST_SPRUNG and len(edges):
        return place_by_springs(count, edges)
    return place_on_circle(count)


def fit_positions(positions: Floats, left: float, top: float, right: float, bottom: float) -> Floats:
    """Scale positions into a rectangle of pixels, one scale for both directions, y downwards."""
    halved = positions / 2  # so that the extent of very large coordinates stays finite
    low, high = halved.min(axis=0), halved.max(axis=0)
    width, height = high - low
    room = [size / extent for size, extent in ((right - left, width), (bottom - top, height)) if extent > 1e-300]
    scale = min(room, default=0.0)
    centred = (halved - (low / 2 + high / 2)) * scale
    placed: Floats = np.array([(left + right) / 2, (top + bottom) / 2]) + centred * np.array([1.0, -1.0])
    return placed
