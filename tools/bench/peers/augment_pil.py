"""Peer of AugmentationBenchmark: the same operations on one clip with Pillow and numpy, one thread.

usage: augment_pil.py [ROUNDS]
32 global frames (crop, resize, flip, jitter, normalise) and 8 local ones (the same and a vertical Gaussian blur).
Prints one JSON object: {"ms_per_clip": median, "best": best}
"""
import json
import statistics
import sys
import time

import numpy as np
from PIL import Image, ImageEnhance

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def shift_hue(image, turn):
    h, s, v = image.convert("HSV").split()
    shifted = Image.fromarray(np.asarray(h) + np.uint8(int(turn * 255) % 256), "L")
    return Image.merge("HSV", (shifted, s, v)).convert("RGB")


def jitter(image):
    image = ImageEnhance.Contrast(image).enhance(0.8)
    image = shift_hue(image, 0.1)
    image = ImageEnhance.Brightness(image).enhance(1.2)
    return ImageEnhance.Color(image).enhance(1.3)


def blur(image, kernel):
    margin = len(kernel) // 2
    values = np.pad(np.asarray(image, np.float32) / 255, ((margin, margin), (0, 0), (0, 0)), mode="reflect")
    result = sum(weight * values[k:k + image.height] for k, weight in enumerate(kernel))
    return Image.fromarray((result * 255).astype(np.uint8))


def view(frames, box, size, flip, kernel):
    top, left, height, width = box
    result = []
    for frame in frames:
        image = frame.crop((left, top, left + width, top + height)).resize((size, size), Image.BILINEAR)
        if flip:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        image = jitter(image)
        if kernel is not None:
            image = blur(image, kernel)
        result.append(np.asarray(image))
    clip = (np.stack(result).astype(np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(clip.transpose(3, 0, 1, 2))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    y, x, c = np.mgrid[0:112, 0:149, 0:3]
    smooth = 128 + 80 * np.sin(x * 0.05 + c) + 40 * np.sin(y * 0.11)
    noise = np.random.default_rng(1)
    frames = [Image.fromarray(np.clip(smooth + noise.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)) for _ in range(32)]
    kernel = np.exp(-0.5 * (np.arange(-4, 5, dtype=np.float32) / 2) ** 2)
    kernel /= kernel.sum()
    times = []
    for turn in range(rounds + 2):
        start = time.perf_counter()
        view(frames, (5, 7, 100, 120), 112, True, None)
        view(frames[3:11], (5, 7, 60, 70), 96, False, kernel)
        if turn >= 2:
            times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"ms_per_clip": statistics.median(times), "best": min(times)}))


if __name__ == "__main__":
    main()
