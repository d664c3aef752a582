#!/usr/bin/env python3
"""An exported encoder in plain PyTorch: one file to copy, with the preprocessing of `xkd features`. It needs torch (1.13 or later) and numpy.

    ./xkd export RUN --modality video --branch teacher --out video.safetensors
    python3 xkd_encoder.py video.safetensors --frames frames.npy        # uint8 [frames, height, width, 3], already at the encoder's frames a second
    python3 xkd_encoder.py audio.safetensors --wav a.wav                # 16-bit PCM, 16 kHz
    python3 xkd_encoder.py audio.safetensors --mel mel.npy --out f.npy  # log-mel as in a cache, [mels, frames], not normalised

Within Python: `encoder = load("video.safetensors")`, then `encoder.features(encoder.prepare_frames(frames))`, or `encoder(batch)` for all tokens.
Of a clip that is longer than the encoder's input the centre is taken, as `xkd features` does by default.
"""
import argparse
import json
import math
import struct
import sys
import wave

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

FRAME_MEAN, FRAME_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SAMPLE_RATE, N_FFT, HOP = 16000, 1024, 143
POWER_EPS, LOG_EPS = 2.0 ** -52, 2.0 ** -23
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_safetensors(path):
    """Tensors by name, and the texts of the header."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = bytearray(file.read())
    texts = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{path}: {name} is of type {entry['dtype']}; an encoder's tensors are of {', '.join(DTYPES)}")
        begin, end = entry["data_offsets"]
        dtype = DTYPES[entry["dtype"]]
        values = torch.frombuffer(data, dtype=dtype, count=math.prod(entry["shape"]), offset=begin) if end > begin else torch.empty(0, dtype=dtype)
        tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors, texts


class Attention(nn.Module):
    """Multi-head self-attention; queries, keys and values come from one projection without bias."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)  # 3 x [B, heads, N, d]
        weights = torch.softmax((q * (dim // self.heads) ** -0.5) @ k.transpose(-2, -1), dim=-1)  # [B, heads, N, N]
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, dim))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim), nn.ModuleDict({"fc1": nn.Linear(dim, hidden), "fc2": nn.Linear(hidden, dim)})

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class Encoder(nn.Module):
    """The vision transformer of one modality. Its parameters have the names of the exported file."""

    def __init__(self, tensors, said):
        super().__init__()
        self.said, self.video = said, "cuboid_embed.proj.weight" in tensors
        self.size, self.frames = (said["Size"], said["Frames"]) if self.video else (said["Mels"], said["MelFrames"])
        self.patch = tuple(said["VideoPatch"] if self.video else said["AudioPatch"])
        native = (self.frames, self.size, self.size) if self.video else (self.size, self.frames)
        self.grid = tuple(length // patch for length, patch in zip(native, self.patch))
        embed = "cuboid_embed" if self.video else "patch_embed"
        (dim, values), hidden = tensors[embed + ".proj.weight"].shape, tensors["encoder.blocks.0.mlp.fc1.weight"].shape[0]
        depth = sum(name.endswith(".mlp.fc1.weight") for name in tensors)
        self.dim, self.prefix = dim, int("cls_token" in tensors)
        if self.prefix:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.enc_pos_embed = nn.Parameter(torch.zeros(1, self.prefix + math.prod(self.grid), dim))
        self.embed = embed
        self.add_module(embed, nn.ModuleDict({"proj": nn.Linear(values, dim)}))
        self.encoder = nn.ModuleDict({"blocks": nn.ModuleList(Block(dim, said["Heads"] or dim // 64, hidden) for _ in range(depth))})
        self.encoder_norm = nn.LayerNorm(dim)
        self.load_state_dict(tensors, strict=True)

    def forward(self, x):
        """All tokens after the final norm [B, prefix + N, D] of [B, 3, frames, height, width] or [B, 1, mels, frames]."""
        grid = tuple(length // patch for length, patch in zip(x.shape[2:], self.patch))
        wanted = "3, frames, height, width" if self.video else "1, mels, frames"
        if x.dim() != len(self.patch) + 2 or x.shape[1] != int(wanted[0]) or any(length % patch for length, patch in zip(x.shape[2:], self.patch)):
            raise ValueError(f"an input is [batch, {wanted}] in whole patches of {self.patch}, got {list(x.shape)}")
        cut = [x.shape[0], x.shape[1]]
        for tiles, patch in zip(grid, self.patch):
            cut += [tiles, patch]
        order = [0, 2, 4, 6, 3, 5, 7, 1] if self.video else [0, 2, 4, 3, 5, 1]  # patches, then the values of each
        patches = x.reshape(cut).permute(order).reshape(x.shape[0], math.prod(grid), -1)  # [B, N, P]
        positions = self.positions(grid, square=not self.video or x.shape[3] == x.shape[4])
        x = getattr(self, self.embed)["proj"](patches) + positions[:, self.prefix:]
        if self.prefix:
            first = self.cls_token + positions[:, :1]
            x = torch.cat([first.expand(x.shape[0], -1, -1), x], 1)
        for block in self.encoder["blocks"]:
            x = block(x)
        return self.encoder_norm(x)

    def positions(self, grid, square):
        """The position table [1, prefix + N, D] of a grid of patches, resampled where it is not the native one; 0.1 is part of the method."""
        if math.prod(grid) == math.prod(self.grid) and square:
            return self.enc_pos_embed
        table = self.enc_pos_embed[:, self.prefix:].reshape(1, *self.grid, self.dim).movedim(-1, 1)  # [1, D, grid]
        factors = [(to + 0.1) / native for to, native in zip(grid, self.grid)]
        if not self.video:
            factors[0] = grid[0] / self.grid[0]
        table = F.interpolate(table, scale_factor=factors, mode="trilinear" if self.video else "bicubic", align_corners=False, recompute_scale_factor=False)
        return torch.cat([self.enc_pos_embed[:, :self.prefix], table.movedim(1, -1).reshape(1, -1, self.dim)], 1)

    @torch.no_grad()
    def features(self, x):
        """The mean of the patch tokens [B, D], the class token left out."""
        return self(x)[:, self.prefix:].mean(1)

    def prepare_frames(self, frames):
        """uint8 [frames, height, width, 3] to [1, 3, T, size, size]: the centred window, the short side scaled, the centre cut, normalised."""
        if not self.video:
            raise ValueError("this encoder is of audio; give it --wav or --mel, or name a video encoder")
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or frames.size == 0:
            raise ValueError(f"frames are uint8 [frames, height, width, 3], got {frames.dtype} {list(frames.shape)}")
        start = max(0, len(frames) - self.frames) // 2
        picked = [(start + i) % len(frames) for i in range(self.frames)]  # a short clip repeats
        x = torch.from_numpy(frames[picked]).permute(3, 0, 1, 2).float()  # [3, T, H, W]
        height, width = x.shape[2:]
        side = min(height, width)
        for axis, length in ((3, width), (2, height)):
            scaled = length * self.size // side
            low, high, share = _taps(length, scaled, (scaled - self.size + 1) // 2, self.size)
            share = share.reshape([-1, 1] if axis == 2 else [-1])
            below = x.index_select(axis, low)
            x = below + share * (x.index_select(axis, high) - below)
        mean, std = (torch.tensor(values).reshape(3, 1, 1, 1) for values in (FRAME_MEAN, FRAME_STD))
        return ((x / 255 - mean) / std)[None]

    def prepare_mel(self, mel):
        """Log-mel [mels, frames], not normalised, to [1, 1, mels, T]: rounded to float16 as in a cache, the centred window, silence where it is short."""
        if self.video:
            raise ValueError("this encoder is of video; give it --frames, or name an audio encoder")
        mel = torch.as_tensor(np.asarray(mel)).to(torch.float16).float()
        if mel.dim() != 2 or mel.shape[0] != self.size:
            raise ValueError(f"a spectrogram of this encoder is [{self.size}, frames], got {list(mel.shape)}")
        start = max(0, mel.shape[1] - self.frames) // 2
        window = mel[:, start:start + self.frames]
        silence = float(np.float16(math.log(LOG_EPS + POWER_EPS)))
        window = F.pad(window, (0, self.frames - window.shape[1]), value=silence)
        return ((window - self.said["MelMean"]) / self.said["MelStd"])[None, None]

    def prepare_sound(self, samples):
        """Samples at 16 kHz in -1 ... 1, to [1, 1, mels, T]: the log-mel of all of it, then as `prepare_mel`."""
        return self.prepare_mel(log_mel(samples, self.said["Mels"]))


def _taps(length, scaled, offset, count):
    """Where `count` pixels from `offset` on of a line of `scaled` lie between two pixels of one of `length`."""
    at = ((torch.arange(count) + offset + 0.5) * np.float32(length / scaled) - 0.5).clamp(min=0)
    low = at.long().clamp(max=length - 1)
    return low, (low + 1).clamp(max=length - 1), at - low


def mel_filters(mels):
    """Triangles of unit area on the Slaney mel scale from 0 Hz to half the sample rate: [mels, 1 + n_fft / 2]."""
    step = math.log(6.4) / 27  # above 1000 Hz, which is mel 15; below a mel is 200 / 3 Hz
    top = 15 + math.log(SAMPLE_RATE / 2 / 1000) / step
    points = np.linspace(0, top, mels + 2)
    edges = np.where(points < 15, points * 200 / 3, 1000 * np.exp(step * (points - 15)))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = np.arange(1 + N_FFT // 2)[None] * SAMPLE_RATE / N_FFT
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return np.maximum(triangles, 0) * 2 / (high - low)


def log_mel(samples, mels=80):
    """float32 [mels, 1 + samples // hop] of mono samples at 16 kHz: ln(filters · (|STFT|² + 2^-52) + 2^-23), frames centred, edges reflected."""
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1 or samples.size == 0:
        raise ValueError(f"sound is mono, [samples] and not empty, got {list(samples.shape)}")
    padded = np.pad(samples, N_FFT // 2, mode="reflect")
    starts = HOP * np.arange(1 + len(samples) // HOP)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)  # periodic Hann
    filters, out = mel_filters(mels), np.empty((mels, len(starts)), np.float32)
    for i in range(0, len(starts), 1024):  # some frames at a time: they overlap sevenfold
        frames = padded[starts[i:i + 1024, None] + np.arange(N_FFT)] * window
        out[:, i:i + 1024] = np.log(filters @ (np.abs(np.fft.rfft(frames)) ** 2 + POWER_EPS).T + LOG_EPS)
    return out


def read_wav(path):
    """Mono samples in -1 ... 1 of a 16-bit PCM file at 16 kHz; channels are averaged."""
    with wave.open(path, "rb") as file:
        if file.getframerate() != SAMPLE_RATE or file.getsampwidth() != 2:
            raise ValueError(f"{path} has {8 * file.getsampwidth()} bits at {file.getframerate()} Hz; "
                             "it must have 16 at 16000: ffmpeg -i IN -ar 16000 -c:a pcm_s16le OUT.wav")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return samples.mean(1) / 32768


def load(path):
    """The encoder of a .safetensors file that `xkd export` wrote, in evaluation mode."""
    tensors, texts = read_safetensors(path)
    if "xkd.encoder" not in texts or "encoder_norm.weight" not in tensors:
        raise ValueError(f"{path} holds no encoder with its description; write it with: xkd export RUN --modality video --branch teacher --out F.safetensors")
    return Encoder({name: tensor.float() for name, tensor in tensors.items()}, json.loads(texts["xkd.encoder"])).eval()


def main():
    parser = argparse.ArgumentParser(description="Features of one clip by an exported encoder.")
    parser.add_argument("encoder", help="what xkd export wrote, .safetensors")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--frames", help=".npy, uint8 [frames, height, width, 3] at the encoder's frames a second")
    source.add_argument("--mel", help=".npy, log-mel [mels, frames] as in a cache")
    source.add_argument("--wav", help="16-bit PCM at 16 kHz")
    parser.add_argument("--out", help="the .npy to write, float32 [features]; without it they are printed")
    args = parser.parse_args()
    try:
        encoder = load(args.encoder)
        x = (encoder.prepare_frames(np.load(args.frames)) if args.frames else encoder.prepare_mel(np.load(args.mel)) if args.mel
             else encoder.prepare_sound(read_wav(args.wav)))
        features = encoder.features(x)[0].numpy()
        if args.out:
            np.save(args.out, features)
        else:
            print(" ".join(f"{value:.6g}" for value in features))
    except (ValueError, OSError, EOFError, wave.Error, KeyError, RuntimeError) as error:
        sys.exit(f"xkd_encoder: {error}")


if __name__ == "__main__":
    main()
