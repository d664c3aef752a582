"""Peer of IngestBenchmark: libav in this process (PyAV), the filter chain and the outputs of ingest.

usage: decode_pyav.py WORKERS FILE...
Each worker is a process that decodes whole files, one thread each: 8 fps, 149x112, rgb24, and 16 kHz mono float samples.
Prints one JSON object: {"seconds": wall, "cpu_ms_per_clip": user and system time of the workers, "frames": n, "samples": n}
"""
import json
import multiprocessing
import resource
import sys
import time

import av
import av.filter


def decode(path):
    frames = samples = 0
    with av.open(path) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        video.thread_count = audio.thread_count = 1
        graph = av.filter.Graph()
        source = graph.add_buffer(template=video)
        chain = [
            source,
            graph.add("fps", "fps=8:start_time=0:round=up"),
            graph.add("scale", "flags=bilinear"),
            graph.add("format", "pix_fmts=rgb24"),
            graph.add("scale", "149:112:flags=bilinear+accurate_rnd"),
            sink := graph.add("buffersink"),
        ]
        for before, after in zip(chain, chain[1:]):
            before.link_to(after)
        graph.configure()
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16000)

        def pull():
            count = 0
            while True:
                try:
                    picture = sink.pull()
                except (av.BlockingIOError, av.EOFError):
                    return count
                bytes(picture.planes[0])
                count += 1

        for packet in container.demux(video, audio):
            for frame in packet.decode():
                if packet.stream is video:
                    source.push(frame)
                    frames += pull()
                else:
                    for part in resampler.resample(frame):
                        bytes(part.planes[0])
                        samples += part.samples
        source.push(None)
        frames += pull()
        for part in resampler.resample(None):
            samples += part.samples
    return frames, samples


def main():
    workers, files = int(sys.argv[1]), sys.argv[2:]
    start = time.perf_counter()
    with multiprocessing.Pool(workers) as pool:
        counts = pool.map(decode, files, chunksize=1)
        pool.close()
        pool.join()
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({
        "seconds": seconds,
        "cpu_ms_per_clip": 1000 * (used.ru_utime + used.ru_stime) / len(files),
        "frames": sum(c[0] for c in counts),
        "samples": sum(c[1] for c in counts),
    }))


if __name__ == "__main__":
    main()
