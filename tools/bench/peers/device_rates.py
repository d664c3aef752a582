"""What matrix products and attention reach on a device at the shapes of one XKD training step (ViT-B, two modalities), in PyTorch.

usage: device_rates.py [cpu|cuda] [BATCH]
Each group of transformer blocks that share a shape is timed by itself, bfloat16 on CUDA and float32 on a CPU: its four products, forward and, where it
is trained, backward; and its attention by every kernel that PyTorch offers. Prints a line of JSON for each, and on stderr the same in words, then
the sums of a step.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

GROUPS = [  # name, tokens, width, heads, blocks, trained
    ("masked video", 60, 768, 12, 12, True), ("local video", 73, 768, 12, 12, True),
    ("masked audio", 113, 768, 12, 12, True), ("local audio", 141, 768, 12, 12, True),
    ("video teacher", 393, 768, 12, 12, False), ("audio teacher", 561, 768, 12, 12, False),
    ("video decoder", 393, 384, 12, 4, True), ("audio decoder", 561, 384, 12, 4, True)]


def milliseconds(work, device):
    """Mean of a few calls after two; on CUDA by its events."""
    repeats = 10 if device == "cuda" else 2
    for _ in range(2):
        work()
    if device != "cuda":
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        return 1e3 * (time.perf_counter() - start) / repeats
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(repeats):
        work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / repeats


def differentiated(forward, inputs, trained):
    """The work of a forward pass, with that of its backward pass where there is one."""
    if not trained:
        return forward
    inputs = [x.requires_grad_() for x in inputs]
    gradient = torch.randn_like(forward())
    return lambda: torch.autograd.grad(forward(), inputs, gradient)


def products(rows, width, trained, new, device):
    """The four products of a block."""
    total = 0
    for source, target in ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)):
        x, weight = new(rows, source), new(target, source)
        total += milliseconds(differentiated(lambda: F.linear(x, weight), [x, weight], trained), device)
    return total


def kernels():
    """Contexts by name, in each of which attention takes one kernel."""
    found = {"default": None}
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
        for name in ("CUDNN_ATTENTION", "FLASH_ATTENTION", "EFFICIENT_ATTENTION"):
            if hasattr(SDPBackend, name):
                found[name.split("_")[0].lower()] = lambda backend=getattr(SDPBackend, name): sdpa_kernel(backend)
    except ImportError:
        pass
    return found


def attention(batch, tokens, width, heads, trained, new, device):
    """Milliseconds by kernel, null where a kernel refuses; queries, keys and values are views of one product, as in the model."""
    qkv = [x.transpose(1, 2) for x in new(batch, tokens, 3, heads, width // heads).unbind(2)]
    times = {}
    for name, context in kernels().items():
        def measured():
            return milliseconds(differentiated(lambda: F.scaled_dot_product_attention(*qkv), qkv, trained), device)
        try:
            if context is None:
                times[name] = measured()
            else:
                with context():
                    times[name] = measured()
        except (RuntimeError, AttributeError):
            times[name] = None
    return times


def main():
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    new = lambda *shape: torch.randn(*shape, device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
    size = 8192 if device == "cuda" else 512
    a, b = new(size, size), new(size, size)
    peak = 2e-9 * size ** 3 / milliseconds(lambda: a @ b, device)
    spent, work, attended = 0, 0, {}
    for name, tokens, width, heads, blocks, trained in GROUPS:
        passes = 3 if trained else 1
        flop = passes * blocks * 2 * batch * tokens * 12 * width ** 2
        ms = blocks * products(batch * tokens, width, trained, new, device)
        times = {k: v and blocks * v for k, v in attention(batch, tokens, width, heads, trained, new, device).items()}
        fastest = min((v for v in times.values() if v), default=0)
        spent, work = spent + ms, work + flop
        for kernel, value in times.items():
            attended.setdefault(kernel, []).append(value)
        rate = passes * blocks * 4e-9 * batch * tokens ** 2 * width / fastest if fastest else 0
        print(json.dumps({"group": name, "batch": batch, "products_ms": ms, "products_tflops": 1e-9 * flop / ms, "peak_tflops": peak, "attention_ms": times,
                          "attention_tflops": rate}), flush=True)
        print(f"{name}: products {ms:.1f} ms, {1e-9 * flop / ms / peak:.0%} of {peak:.3g} TFLOP/s; attention at best {rate:.3g} TFLOP/s, ms "
              + ", ".join(f"{k} {v:.1f}" if v else f"{k} none" for k, v in times.items()), file=sys.stderr, flush=True)
    print(f"products {spent:.1f} ms a step of {batch}, {1e-9 * work / spent / peak:.0%} of {peak:.3g} TFLOP/s; attention "
          + ", ".join(f"{k} {sum(v):.1f} ms" for k, v in attended.items() if all(v)), file=sys.stderr)


main()
