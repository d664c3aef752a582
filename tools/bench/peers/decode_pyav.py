"""Peer of IngestBenchmark: libav in this process (PyAV), the filter chain and the outputs of ingest.

usage: decode_pyav.py WORKERS TURN FILE...
Each worker is a process that decodes whole files, one thread each: 8 fps, short side 112, rgb24, and 16 kHz mono float samples.
Times count from the start of the file. TURN is by how many degrees (0, 90, 180, 270) the pictures are turned clockwise before
they are shown: PyAV 10 does not tell. A file may lack one of the two streams. What cannot be decoded is told, and does not end the others.
Prints one JSON object: {"seconds": wall, "cpu_ms_per_clip": user and system time of the workers, "frames": n, "samples": n,
"errors": one text for each file that failed}
"""
import functools
import json
import multiprocessing
import resource
import sys
import time

import av
import av.filter
import av.logging

SIDE = 112
TURNS = {0: [], 90: [("transpose", "clock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "cclock")]}


def size(width, height):
    return (width * SIDE // height, SIDE) if width > height else (SIDE, height * SIDE // width)


def decode(turn, path):
    try:
        return (*decode_file(turn, path), None)
    except Exception as error:  # one file's failure is that file's
        return 0, 0, f"{type(error).__name__}: {error}"


def decode_file(turn, path):
    frames = samples = 0
    with av.open(path) as container:
        video = container.streams.video[0] if container.streams.video else None
        audio = container.streams.audio[0] if container.streams.audio else None
        streams = [stream for stream in (video, audio) if stream is not None]
        for stream in streams:
            stream.thread_count = 1
        if video is not None:
            shown = (video.height, video.width) if turn % 180 else (video.width, video.height)
            start = round((container.start_time or 0) / av.time_base / video.time_base)
            graph = av.filter.Graph()
            source = graph.add_buffer(template=video)
            chain = [
                source,
                graph.add("fps", "fps=8:start_time=0:round=up"),
                # What is seen is turned, which is less than what there is.
                *(graph.add(name, options) for name, options in TURNS[turn]),
                graph.add("scale", "flags=bilinear"),
                graph.add("format", "pix_fmts=rgb24"),
                graph.add("scale", "{}:{}:flags=bilinear+accurate_rnd".format(*size(*shown))),
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

        for packet in container.demux(*streams):
            for frame in packet.decode():
                if packet.stream is video:
                    # A container without presentation times has those of decoding.
                    frame.pts = (frame.dts if frame.pts is None else frame.pts) - start
                    source.push(frame)
                    frames += pull()
                else:
                    for part in resampler.resample(frame):
                        bytes(part.planes[0])
                        samples += part.samples
        if video is not None:
            source.push(None)
            frames += pull()
        if audio is not None:
            for part in resampler.resample(None):
                samples += part.samples
    return frames, samples


def main():
    av.logging.set_level(av.logging.ERROR)
    workers, turn, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    start = time.perf_counter()
    with multiprocessing.Pool(workers) as pool:
        counts = pool.map(functools.partial(decode, turn), files, chunksize=1)
        pool.close()
        pool.join()
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({
        "seconds": seconds,
        "cpu_ms_per_clip": 1000 * (used.ru_utime + used.ru_stime) / len(files),
        "frames": sum(c[0] for c in counts),
        "samples": sum(c[1] for c in counts),
        "errors": [c[2] for c in counts if c[2] is not None],
    }))


if __name__ == "__main__":
    main()
