"""Distorted copies of an image: what one drawing would look like, had it been drawn again.

The median of a drawing and its copies is nearer to other people's drawings of the same class than the one
drawing is: Koch, Zemel and Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition" (2015),
section 3.2, distort training drawings likewise.
"""

import numpy as np

# Each drawn evenly from plus and minus so much: degrees, share of the size, share of half the image, factor.
ROTATION, SCALE, SHIFT, SHEAR = 10.0, 0.12, 0.08, 0.15


def distorted(image: np.ndarray, copies: int, seed: int = 0) -> np.ndarray:
    """uint8 image [H, W] or [H, W, C] -> uint8 [copies, ...]: turned, sized, moved and sheared.

    Between pixels it is bilinear, and black comes in from outside. The same seed gives the same copies.
    Raises ValueError for an array of another shape.
    """
    from scipy.ndimage import affine_transform  # deferred: few need it, and it takes long to import

    if image.ndim not in (2, 3):
        raise ValueError(f"an image is [H, W] or [H, W, C], not {list(image.shape)}")
    planes = image[..., None] if image.ndim == 2 else image
    half = (np.array(planes.shape[:2]) - 1) / 2
    rng = np.random.default_rng(seed)
    made = np.empty((copies, *planes.shape), np.uint8)
    for copy in made:
        matrix, shift = _map(rng, half)
        # From where the copy's pixels come: about the middle.
        offset = half - matrix @ (half + shift)
        for channel in range(planes.shape[2]):
            moved = affine_transform(planes[..., channel].astype(np.float32), matrix, offset, order=1)
            copy[..., channel] = moved.round().clip(0, 255)
    return made.reshape(copies, *image.shape)


def _map(rng: np.random.Generator, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A random matrix [2, 2] of rotation, size and shear, and a shift [2] in pixels."""
    angle, height, width, shear, down, right = rng.uniform(-1, 1, 6)
    cos, sin = np.cos(np.radians(angle * ROTATION)), np.sin(np.radians(angle * ROTATION))
    turn = np.array([[cos, -sin], [sin, cos]])
    slant = np.array([[1.0, shear * SHEAR], [0.0, 1.0]])
    size = np.diag([1 + height * SCALE, 1 + width * SCALE])
    return turn @ slant @ size, np.array([down, right]) * SHIFT * half
