"""Peer of StepBenchmark: one XKD training step (modality-specific students and teachers) in eager PyTorch, our own code.

usage: train_step.py OPTIONS [released|tuned|compiled] [cpu|cuda]
OPTIONS is a JSON object, see StepBenchmark. `released`: attention maps in full, the embedding of all tokens before masking, clipping and
moving averages parameter by parameter with a number read back for each, as the published code works. `tuned`: fused attention where the
installed PyTorch has it, only visible tokens embedded, foreach clipping and averages, fused AdamW. `compiled`: tuned, with every transformer
block under torch.compile, which takes a compilation a shape.
On CUDA all of them compute in bfloat16 by autocast. Prints a line when ready; then for each line of standard input, a number of steps, one
line of JSON: {"ms": [...], "forward": ms, "backward": ms, "clip": ms, "adamw": ms, "ema": ms, "loss": last, "peak MB": most}. Where it cannot
run, the last line is {"unavailable": reason}.
"""
import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

GAMMAS = [10.0 ** e for e in range(-3, 4)]


class Attention(nn.Module):
    def __init__(self, dim, heads, fused):
        super().__init__()
        self.heads, self.fused = heads, fused and hasattr(F, "scaled_dot_product_attention")
        self.qkv, self.proj = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)

    def forward(self, x, probabilities=False):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scale = (d // self.heads) ** -0.5
        weights = None
        if self.fused:
            if probabilities:
                weights = (q[:, :, :1] @ k.transpose(-2, -1) * scale).softmax(-1)
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            weights = (q @ k.transpose(-2, -1) * scale).softmax(-1)
            y = weights @ v
        return self.proj(y.transpose(1, 2).reshape(b, n, d)), weights


class Block(nn.Module):
    def __init__(self, dim, heads, fused):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(dim), Attention(dim, heads, fused), nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, probabilities=False):
        y, weights = self.attn(self.norm1(x), probabilities)
        x = x + y
        return x + self.mlp(self.norm2(x)), weights


class Encoder(nn.Module):
    """A ViT over flat patches; `grid` is the native token grid, (time, rows, columns) or (bands, time)."""

    def __init__(self, patch, grid, dim, depth, heads, fused):
        super().__init__()
        self.patch, self.grid = patch, grid
        width = 3 if len(patch) == 3 else 1
        for size in patch:
            width *= size
        self.width, tokens = width, 1
        for size in grid:
            tokens *= size
        self.embed = nn.Linear(width, dim)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, dim)), nn.Parameter(torch.randn(1, tokens + 1, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, fused) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def patchify(self, x):
        if len(self.patch) == 3:
            b, c, t, h, w = x.shape
            p, q, r = self.patch
            x = x.reshape(b, c, t // p, p, h // q, q, w // r, r).permute(0, 2, 4, 6, 3, 5, 7, 1)
        else:
            b, _, m, t = x.shape
            p, q = self.patch
            x = x.reshape(b, m // p, p, t // q, q).permute(0, 1, 3, 2, 4)
        return x.reshape(b, -1, self.width)

    def positions(self, x):
        grid = tuple(s // p for s, p in zip(x.shape[2:], self.patch))
        if grid == self.grid:
            return self.pos
        table = self.pos[:, 1:].transpose(1, 2).reshape(1, -1, *self.grid)
        mode = "trilinear" if len(grid) == 3 else "bicubic"
        table = F.interpolate(table, size=grid, mode=mode, align_corners=False)
        return torch.cat([self.pos[:, :1], table.flatten(2).transpose(1, 2)], 1)

    def run(self, tokens, first, probabilities=False):
        x = torch.cat([first.expand(tokens.shape[0], -1, -1), tokens], 1)
        weights = None
        for i, block in enumerate(self.blocks):
            x, weights = block(x, probabilities and i == len(self.blocks) - 1)
        return self.norm(x), weights

    def forward(self, x, probabilities=False):
        pos = self.positions(x)
        return self.run(self.embed(self.patchify(x)) + pos[:, 1:], self.cls + pos[:, :1], probabilities)

    def visible(self, x, noise, ratio, early):
        patches, pos = self.patchify(x), self.positions(x)
        n = patches.shape[1]
        keep = round(n * (1 - ratio))
        order = noise.argsort(1)
        restore, kept = order.argsort(1), order[:, :keep]
        mask = (restore >= keep).float()
        pick = lambda y: y.gather(1, kept.unsqueeze(-1).expand(-1, -1, y.shape[2]))
        if early:
            tokens = self.embed(pick(patches)) + pick(pos[:, 1:].expand(patches.shape[0], -1, -1))
        else:
            tokens = pick(self.embed(patches) + pos[:, 1:])
        return self.run(tokens, self.cls + pos[:, :1])[0], patches, restore, mask


class Decoder(nn.Module):
    def __init__(self, encoder, from_dim, dim, depth, heads, fused):
        super().__init__()
        self.mid, self.out = nn.Linear(from_dim, dim), nn.Linear(dim, encoder.width)
        self.mask_token, self.pos = nn.Parameter(torch.zeros(1, 1, dim)), nn.Parameter(torch.randn(1, encoder.pos.shape[1], dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, fused) for _ in range(depth))

    def forward(self, latent, restore):
        x = self.mid(latent)
        b, n, d = x.shape[0], restore.shape[1], x.shape[2]
        tokens = torch.cat([x[:, 1:], self.mask_token.expand(b, n + 1 - x.shape[1], -1).to(x.dtype)], 1)
        tokens = tokens.gather(1, restore.unsqueeze(-1).expand(-1, -1, d))
        x = torch.cat([x[:, :1], tokens], 1) + self.pos
        for block in self.blocks:
            x, _ = block(x)
        return self.out(x[:, 1:])


class Head(nn.Module):
    def __init__(self, dim, layers, hidden, bottleneck, out):
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(dim if i == 0 else hidden, bottleneck if i == layers - 1 else hidden) for i in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.last = nn.utils.weight_norm(nn.Linear(bottleneck, out, bias=False))
        self.last.weight_g.data.fill_(1)
        self.last.weight_g.requires_grad = False

    def forward(self, x):
        for linear in self.linears[:-1]:
            x = F.gelu(self.norm(linear(x)))
        x = self.last(F.normalize(self.linears[-1](x), dim=-1))
        return F.layer_norm(x, x.shape[-1:])


def reconstruction(predicted, patches, mask):
    mean, variance = patches.mean(-1, keepdim=True), patches.var(-1, keepdim=True)
    error = ((predicted.float() - (patches - mean) / (variance + 1e-6) ** 0.5) ** 2).mean(-1)
    return (error * mask).sum() / mask.sum()


def mmd(x, y):
    def kernel(a, b):
        distance = (a ** 2).sum(1, keepdim=True) + (b ** 2).sum(1) - 2 * a @ b.T
        distance = distance.clamp(min=1e-30)
        return sum(torch.exp(-gamma * distance) for gamma in GAMMAS).mean()

    x, y = x.float(), y.float()
    return kernel(x, x) + kernel(y, y) - 2 * kernel(x, y)


def refine(tokens, own, other):
    tokens, own, other = tokens[:, 1:], own[:, :, 0, 1:], other[:, :, 0, 1:]
    weights = (own * other.mean(-1, keepdim=True) / own.mean(-1, keepdim=True)).mean(1).unsqueeze(-1)
    weighted = tokens * weights
    return (weighted * (tokens.mean(1, keepdim=True).norm(dim=-1, keepdim=True) / weighted.mean(1, keepdim=True).norm(dim=-1, keepdim=True))).mean(1)


class Xkd(nn.Module):
    def __init__(self, o, style):
        super().__init__()
        self.o, self.tuned = o, style != "released"

        def encoder(patch, grid):
            return Encoder(tuple(patch), tuple(grid), o["dim"], o["depth"], o["heads"], self.tuned)

        def head():
            return Head(o["dim"], o["layers"], o["hidden"], o["bottleneck"], o["out"])

        self.video, self.audio = encoder(o["video_patch"], o["video_grid"]), encoder(o["audio_patch"], o["audio_grid"])
        self.video_head, self.audio_head = head(), head()
        size = (o["dim"], o["dec_dim"], o["dec_depth"], o["dec_heads"], self.tuned)
        self.video_decoder, self.audio_decoder = Decoder(self.video, *size), Decoder(self.audio, *size)
        self.teachers = nn.ModuleList([
            encoder(o["video_patch"], o["video_grid"]), encoder(o["audio_patch"], o["audio_grid"]), head(), head()]).requires_grad_(False)
        for teacher, student in zip(self.teachers, self.students()):
            teacher.load_state_dict(student.state_dict())
        self.register_buffer("video_center", torch.zeros(1, o["out"]))
        self.register_buffer("audio_center", torch.zeros(1, o["out"]))

    def students(self):
        return [self.video, self.audio, self.video_head, self.audio_head]

    def student(self, encoder, decoder, head, views, noise, ratio):
        latent, patches, restore, mask = encoder.visible(views[0], noise, ratio, self.tuned)
        recon = reconstruction(decoder(latent, restore), patches, mask)
        local = encoder(torch.cat(views[1:]))[0]
        return recon, head(torch.cat([latent[:, 1:].mean(1), local[:, 1:].mean(1)]))

    def distil(self, student, teacher, center, temperature, student_temperature):
        target = ((teacher.float() - center) / temperature).softmax(-1)
        loss = -(target * (student.float() / student_temperature).log_softmax(-1).view(-1, *target.shape)).sum(-1).mean()
        center.mul_(0.9).add_(teacher.float().mean(0, keepdim=True), alpha=0.1)
        return loss

    def forward(self, video, audio, video_noise, audio_noise):
        o = self.o
        recon_v, video_student = self.student(self.video, self.video_decoder, self.video_head, video, video_noise, o["mask_video"])
        recon_a, audio_student = self.student(self.audio, self.audio_decoder, self.audio_head, audio, audio_noise, o["mask_audio"])
        with torch.no_grad():
            seen = 0 if o["teacher_global"] else 1
            tv, ta, hv, ha = self.teachers
            video_tokens, video_weights = tv(video[seen], True)
            audio_tokens, audio_weights = ta(audio[seen], True)
            video_teacher = hv(refine(video_tokens, video_weights, audio_weights))
            audio_teacher = ha(refine(audio_tokens, audio_weights, video_weights))
        kd = (self.distil(audio_student, video_teacher, self.video_center, 0.1, 0.1) + self.distil(video_student, audio_teacher, self.audio_center, 0.07, 0.1)) / 2
        align = (mmd(video_student, audio_student) + mmd(video_teacher, audio_teacher)) / 2
        return (align + kd + 5 * (recon_v + recon_a) / 2) / 7


class Step:
    def __init__(self, o, style, device):
        torch.manual_seed(0)
        self.style, self.device, self.tuned = style, device, style != "released"
        self.model = Xkd(o, style).to(device)
        trained = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        fused = {"fused": True} if self.tuned and device == "cuda" else {"foreach": True} if self.tuned else {}
        self.optimizer = torch.optim.AdamW([
            {"params": [p for n, p in trained if p.dim() > 1 and not n.endswith(".bias")], "weight_decay": 0.3},
            {"params": [p for n, p in trained if p.dim() <= 1 or n.endswith(".bias")], "weight_decay": 0.0}], lr=1e-4, betas=(0.9, 0.95), **fused)
        self.clipped = [p for m in self.model.students() for p in m.parameters() if p.requires_grad]
        self.pairs = [(t, s) for teacher, student in zip(self.model.teachers, self.model.students()) for t, s in zip(teacher.parameters(), student.parameters())]
        if style == "compiled":
            from torch._dynamo import config
            config.cache_size_limit = 64  # one code, a dozen shapes and modes
            for block in (m for m in self.model.modules() if isinstance(m, Block)):
                block.compile(dynamic=False)
        b = o["batch"]
        shapes = lambda key: [torch.randn(b, *shape, device=device) for shape in o[key]]
        noise = lambda key: torch.rand(b, torch.Size(o[key]).numel(), device=device)
        self.inputs = (shapes("video_views"), shapes("audio_views"), noise("video_grid"), noise("audio_grid"))

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def clip(self, most=0.3):
        if not self.tuned:
            for p in self.clipped:
                coefficient = most / (p.grad.norm(2).item() + 1e-6)
                if coefficient < 1:
                    p.grad.mul_(coefficient)
            return
        gradients = [p.grad for p in self.clipped]
        norms = torch._foreach_norm(gradients)
        torch._foreach_mul_(gradients, [c for c in (most / (torch.stack(norms) + 1e-6)).clamp(max=1).unbind()])

    @torch.no_grad()
    def follow(self, momentum=0.997):
        if not self.tuned:
            for teacher, student in self.pairs:
                teacher.mul_(momentum).add_(student.detach(), alpha=1 - momentum)
            return
        torch._foreach_mul_([t for t, _ in self.pairs], momentum)
        torch._foreach_add_([t for t, _ in self.pairs], [s for _, s in self.pairs], alpha=1 - momentum)

    def run(self):
        times = [self.wait()]
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.device == "cuda"):
            loss = self.model(*self.inputs)
        times.append(self.wait())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for work in (self.clip, self.optimizer.step, self.follow):
            times.append(self.wait())
            work()
        times.append(self.wait())
        return [1e3 * (b - a) for a, b in zip(times, times[1:])], loss


def main():
    options, style = json.loads(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "released"
    device = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    torch.set_num_threads(options.get("threads") or len(os.sched_getaffinity(0)))
    if style == "compiled" and not hasattr(nn.Module, "compile"):
        raise RuntimeError(f"PyTorch {torch.__version__} compiles no modules")
    step = Step(options, style, device)
    trainable = sum(p.numel() for p in step.model.parameters() if p.requires_grad)
    print(json.dumps({"torch": torch.__version__, "style": style, "trainable": trainable, "total": sum(p.numel() for p in step.model.parameters())}), flush=True)
    for line in sys.stdin:
        parts, loss = zip(*(step.run() for _ in range(int(line))))
        mean = [sum(column) / len(parts) for column in zip(*parts)]
        peak = torch.cuda.max_memory_allocated() if device == "cuda" else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"ms": [sum(p) for p in parts], **dict(zip(("forward", "backward", "clip", "adamw", "ema"), mean)),
                          "loss": float(loss[-1]), "peak MB": peak / 1e6}), flush=True)


try:
    main()
except Exception as e:
    print(json.dumps({"unavailable": f"{type(e).__name__}: {e}".splitlines()[0]}), flush=True)
    raise
