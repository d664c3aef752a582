"""Patch-mean features of an exported encoder in plain PyTorch, written from the architecture's description.

usage: vit_features.py WEIGHTS.pth DATA.pth HEADS PATCH...   DATA holds `input` and `features`; exits 1 when they differ by 1e-5 or more.
PATCH is `frames height width` for video [B, 3, T, H, W], `mels frames` for audio [B, 1, M, F].
"""
import sys
import torch
import torch.nn.functional as F

weights, data, heads, patch = torch.load(sys.argv[1]), torch.load(sys.argv[2]), int(sys.argv[3]), [int(a) for a in sys.argv[4:]]
x = data["input"]
batch, channels = x.shape[:2]
if len(patch) == 3:
    t, h, w = (size // p for size, p in zip(x.shape[2:], patch))
    x = x.reshape(batch, channels, t, patch[0], h, patch[1], w, patch[2]).permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(batch, t * h * w, -1)
    embed = "cuboid_embed"
else:
    m, f = (size // p for size, p in zip(x.shape[2:], patch))
    x = x.reshape(batch, m, patch[0], f, patch[1]).permute(0, 1, 3, 2, 4).reshape(batch, m * f, -1)
    embed = "patch_embed"


def linear(name, value):
    return F.linear(value, weights.pop(name + ".weight"), weights.pop(name + ".bias", None))


def norm(name, value):
    return F.layer_norm(value, value.shape[-1:], weights.pop(name + ".weight"), weights.pop(name + ".bias"), 1e-5)


x = torch.cat([weights.pop("cls_token").expand(batch, -1, -1), linear(embed + ".proj", x)], 1) + weights.pop("enc_pos_embed")
block = 0
while f"encoder.blocks.{block}.norm1.weight" in weights:
    name = f"encoder.blocks.{block}."
    q, k, v = linear(name + "attn.qkv", norm(name + "norm1", x)).reshape(batch, x.shape[1], 3, heads, -1).permute(2, 0, 3, 1, 4)
    attention = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
    x = x + linear(name + "attn.proj", (attention @ v).transpose(1, 2).reshape(batch, x.shape[1], -1))
    x = x + linear(name + "mlp.fc2", F.gelu(linear(name + "mlp.fc1", norm(name + "norm2", x))))
    block += 1
features = norm("encoder_norm", x)[:, 1:].mean(1)
gap = (features - data["features"]).abs().max().item()
print(f"{block} blocks, largest gap {gap:.2e}, left over: {sorted(weights)}", file=sys.stderr)
sys.exit(0 if gap < 1e-5 and block > 0 and not weights else 1)
