"""Peer of LogMelBenchmark: torchaudio's mel spectrogram of four seconds, one thread.

usage: logmel_torchaudio.py [ROUNDS]
PyTorch must use OpenBLAS (on Debian: libopenblas0-pthread); the reference BLAS is many times slower and no peer.
Prints one JSON object: {"audio_seconds_per_second": median, "best": best}
"""
import json
import statistics
import sys
import time

import torch
import torchaudio


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    torch.set_num_threads(1)
    mel = torchaudio.transforms.MelSpectrogram(
        16000, n_fft=1024, hop_length=143, n_mels=80, norm="slaney", mel_scale="slaney", center=True, pad_mode="reflect", power=2.0)
    samples = torch.randn(64000) * 0.1
    rates = []
    with torch.no_grad():
        for turn in range(rounds + 3):
            start = time.perf_counter()
            for _ in range(20):
                torch.log(mel(samples) + 2.0 ** -23)
            if turn >= 3:
                rates.append(20 * 4 / (time.perf_counter() - start))
    print(json.dumps({"audio_seconds_per_second": statistics.median(rates), "best": max(rates)}))


if __name__ == "__main__":
    main()
