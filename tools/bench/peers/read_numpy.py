"""Peer of ReadBenchmark: windows out of the page cache in one Python process.

usage: read_numpy.py npy|tar FOLDER [SECONDS]
FOLDER holds clipNNN.raw (uint8 [80, 112, 149, 3]) or clipNNN.FF.jpg, and clipNNN.mel (float16 [80, 1119]).
A sample is 32 consecutive frames and 448 spectrogram frames, copied into the memory of a batch of 8.
npy maps the arrays once and copies slices; tar reads the window's JPEG files by their offsets in one tar and decodes them with Pillow.
Prints one JSON object: {"samples_per_s": rate, "cpu_ms": CPU milliseconds a sample}
"""
import glob
import io
import json
import os
import sys
import tarfile
import time

import numpy as np

FRAMES, HEIGHT, WIDTH, MELS, MEL_FRAMES = 80, 112, 149, 80, 1119
BATCH, WINDOW, MEL_WINDOW = 8, 32, 448


def npy_reader(folder):
    maps = []
    for raw in sorted(glob.glob(os.path.join(folder, "*.raw"))):
        path = raw[:-4] + ".npy"
        if not os.path.exists(path):
            np.save(path, np.fromfile(raw, np.uint8).reshape(FRAMES, HEIGHT, WIDTH, 3))
            np.save(raw[:-4] + ".mel.npy", np.fromfile(raw[:-4] + ".mel", np.float16).reshape(MELS, MEL_FRAMES))
        maps.append((np.load(path, mmap_mode="r"), np.load(raw[:-4] + ".mel.npy", mmap_mode="r")))

    def read(index, first, mel_first, frames, mel):
        frames[:] = maps[index][0][first:first + WINDOW]
        mel[:] = maps[index][1][:, mel_first:mel_first + MEL_WINDOW]

    return len(maps), read


def tar_reader(folder):
    from PIL import Image

    path = os.path.join(folder, "samples.tar")
    if not os.path.exists(path):
        with tarfile.open(path, "w") as tar:
            for name in sorted(os.listdir(folder)):
                if name.endswith((".jpg", ".mel")):
                    tar.add(os.path.join(folder, name), name)
    with tarfile.open(path) as tar:
        where = {m.name: (m.offset_data, m.size) for m in tar}
    clips = sorted({name.split(".")[0] for name in where if name.endswith(".jpg")})
    file = open(path, "rb", buffering=0)

    def member(name):
        offset, size = where[name]
        return os.pread(file.fileno(), size, offset)

    def read(index, first, mel_first, frames, mel):
        for i in range(WINDOW):
            frames[i] = np.asarray(Image.open(io.BytesIO(member(f"{clips[index]}.{first + i:02d}.jpg"))))
        mel[:] = np.frombuffer(member(clips[index] + ".mel"), np.float16).reshape(MELS, MEL_FRAMES)[:, mel_first:mel_first + MEL_WINDOW]

    return len(clips), read


def main():
    kind, folder = sys.argv[1], sys.argv[2]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    clips, read = (npy_reader if kind == "npy" else tar_reader)(folder)
    random = np.random.default_rng(1)
    frames = np.empty((BATCH, WINDOW, HEIGHT, WIDTH, 3), np.uint8)
    mel = np.empty((BATCH, MELS, MEL_WINDOW), np.float16)
    for index in range(min(clips, 16)):
        read(index, 0, 0, frames[0], mel[0])
    samples, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        order = random.permutation(clips)[:BATCH]
        for slot, index in enumerate(order):
            read(index, random.integers(FRAMES - WINDOW + 1), random.integers(MEL_FRAMES - MEL_WINDOW + 1), frames[slot], mel[slot])
        samples += BATCH
    print(json.dumps({"samples_per_s": samples / (time.perf_counter() - start), "cpu_ms": 1000 * (time.process_time() - cpu) / samples}))


if __name__ == "__main__":
    main()
