"""Small modules, written as people write them, with what larger ones are made of."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ZOO", "zoo"]


class Residual(nn.Module):
    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += identity
        return self.relu(out)


class TinyResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(Residual(8, 8), Residual(8, 8))
        self.layer2 = nn.Sequential(Residual(8, 16, 2), Residual(16, 16))
        self.layer3 = nn.Sequential(Residual(16, 24, 2), Residual(24, 24))
        self.fc = nn.Linear(24, 5)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 4, 1)
        self.fc2 = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(scale))))


class DropPath(nn.Module):
    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.drop_prob == 0:
            return x
        keep = 1 - self.drop_prob
        return x * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep) / keep


class InvertedResidual(nn.Module):
    def __init__(self, channels: int, drop: float) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 1, bias=False), nn.BatchNorm2d(4 * channels), nn.SiLU(),
            nn.Conv2d(4 * channels, 4 * channels, 3, padding=1, groups=4 * channels, bias=False),
            nn.BatchNorm2d(4 * channels), nn.SiLU(), SqueezeExcite(4 * channels),
            nn.Conv2d(4 * channels, channels, 1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.drop_path = DropPath(drop)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop_path(self.block(x))


class Mobile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *(InvertedResidual(8, 0.1 * i) for i in range(3)))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean([2, 3]))


class DenseBlock(nn.Module):
    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(channels + 4 * i), nn.ReLU(), nn.Conv2d(channels + 4 * i, 4, 3, padding=1))
            for i in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        return torch.cat(found, 1)


class Dense(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.block = DenseBlock(8, 3)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.block(self.stem(x))
        return {"features": self.pool(y), "pooled": F.max_pool2d(y, 2).flatten(1)}


class Shuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.branch = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.stem(x).chunk(2, dim=1)
        x = torch.cat((left, self.branch(right)), dim=1)
        batch, channels, height, width = x.size()
        x = x.view(batch, 2, channels // 2, height, width)
        return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, how: str) -> None:
        super().__init__()
        self.heads, self.how, self.scale = heads, how, (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        if self.how == "sdpa":
            x = F.scaled_dot_product_attention(q, k, v)
        elif self.how == "einsum":
            weights = torch.einsum("bhnd,bhmd->bhnm", q * self.scale, k).softmax(dim=-1)
            x = torch.einsum("bhnm,bhmd->bhnd", weights, v)
        else:
            x = ((q @ k.transpose(-2, -1)) * self.scale).softmax(-1) @ v
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, dim))


class Block(nn.Module):
    def __init__(self, dim: int, how: str) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, 2, how)
        self.gamma = nn.Parameter(0.1 * torch.ones(dim))
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.gamma * self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TinyViT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 8, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 8))
        self.pos_embed = nn.Parameter(torch.randn(1, 17, 8))
        self.blocks = nn.ModuleList(Block(8, how) for how in ("sdpa", "einsum", "matmul"))
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Windows(nn.Module):
    """Shifted windows with a table of position biases, and a mask that is computed in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 2, 2)
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)
        self.table = nn.Parameter(torch.randn(49, 2))
        grid = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")).flatten(1)
        apart = grid[:, :, None] - grid[:, None, :] + 3
        self.register_buffer("index", (apart[0] * 7 + apart[1]))
        self.reduction = nn.Linear(32, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).permute(0, 2, 3, 1)
        batch, height, width, dim = x.shape
        shifted = torch.roll(x, shifts=(-2, -2), dims=(1, 2))
        windows = shifted.view(batch, height // 4, 4, width // 4, 4, dim).permute(0, 1, 3, 2, 4, 5)
        windows = windows.reshape(-1, 16, dim)
        qkv = F.linear(windows, self.qkv.weight, self.qkv.bias).reshape(windows.size(0), 16, 3, 2, 4)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        attention = (q * 0.5).matmul(k.transpose(-2, -1))
        bias = self.table[self.index.view(-1)].view(16, 16, -1).permute(2, 0, 1).contiguous()
        attention = attention + bias.unsqueeze(0)
        mask = x.new_zeros((height, width))
        for count, (rows, columns) in enumerate([((0, 4), (0, 4)), ((4, 8), (4, 8))]):
            mask[rows[0] : rows[1], columns[0] : columns[1]] = count + 1
        parts = mask.view(height // 4, 4, width // 4, 4).permute(0, 2, 1, 3).reshape(-1, 16)
        apart = parts.unsqueeze(1) - parts.unsqueeze(2)
        apart = apart.masked_fill(apart != 0, -100.0)
        attention = attention.view(batch, parts.size(0), 2, 16, 16) + apart.unsqueeze(1).unsqueeze(0)
        attention = attention.view(-1, 2, 16, 16).softmax(dim=-1)
        y = self.proj(attention.matmul(v).transpose(1, 2).reshape(windows.size(0), 16, dim))
        y = y.view(batch, height // 4, width // 4, 4, 4, dim).permute(0, 1, 3, 2, 4, 5).reshape(x.shape)
        y = F.pad(torch.roll(y, (2, 2), (1, 2)), (0, 0, 0, 0, 0, 0))
        y = torch.cat([y[:, 0::2, 0::2], y[:, 1::2, 0::2], y[..., 0::2, 1::2, :], y[..., 1::2, 1::2, :]], -1)
        return self.reduction(y)


class ChannelsLast(nn.Module):
    """ConvNeXt's norm over channels, and what is around it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.LayerNorm(8)
        self.scale = nn.Parameter(torch.ones(8, 1, 1) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.scale * y


class Shared(nn.Module):
    """One block for several levels, and one layer in two modules."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.tower = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.act = nn.ReLU()
        self.second = nn.Sequential(self.tower[0], nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.act(self.stem(x))
        fine = self.tower(x)
        coarse = self.tower(F.interpolate(x, scale_factor=0.5, mode="nearest"))
        return fine, self.act(coarse), self.second(x)


class Arithmetic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(2, 4)
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        y = (1 - y) / 2 + y**2 - other / (y.abs() + 1)
        y = torch.maximum(y, other).clamp(-1, 1) - y.mean(1, keepdim=True)
        y = y * torch.rsqrt(y.var(1, keepdim=True, unbiased=False) + 1e-5)
        y = torch.where(y > 0, y, 0.1 * y)
        a, b = torch.split(y, [1, 3], dim=1)
        return F.normalize(torch.stack([a.squeeze(1), b.amax(1), -b[:, 0]], dim=1), dim=1)


class Encoder(nn.Module):
    """torch's own transformer layers, with the batch second."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.project = nn.Linear(6, 8)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.encoder(self.project(tokens).transpose(0, 1)).mean(0)


class Standardised(nn.Conv2d):
    """A convolution whose kernel is standardised (arXiv:1903.10520)."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5), self.bias, self.stride, self.padding)


class Fused(nn.BatchNorm2d):
    """Normalisation by the function, its weights by name (timm's BatchNormAct2d)."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.num_batches_tracked.add_(1)
        mean, variance = self.running_mean, self.running_var
        x = F.batch_norm(
            x, mean, variance, weight=self.weight, bias=self.bias, training=self.training, momentum=0.1, eps=self.eps
        )
        return F.relu(x)


class ScaledKernel(nn.Conv2d):
    """A kernel with unit variance times a gain (NFNet, arXiv:2102.06171)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 3, padding=1)
        self.gain = nn.Parameter(torch.rand(out, 1, 1, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.weight.reshape(1, self.out_channels, -1)
        weight = F.batch_norm(
            rows, None, None, weight=(self.gain * 0.3).view(-1), training=True, momentum=0.0, eps=1e-6
        )
        return F.conv2d(x, weight.reshape_as(self.weight), self.bias, padding=1)


class Responses(nn.Module):
    """Response normalisation (ConvNeXt V2, arXiv:2301.00808), a norm without a shift, and a map laid side by side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(channels))
        self.scale = nn.Parameter(torch.rand(1, channels, 1, 1))
        self.shift = nn.Parameter(torch.rand(1, channels, 1, 1))
        self.pos = nn.Parameter(torch.rand(1, channels, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        norm = x.norm(dim=(2, 3), keepdim=True)
        x = x + torch.addcmul(self.shift, self.scale, x * norm / (norm.mean(1, keepdim=True) + 1e-6))
        return F.group_norm(x, 1, self.weight, None) + self.pos.tile((2, 2))


class SharedKeys(nn.Module):
    """Attention whose heads share keys and values (MobileNetV4, arXiv:2404.10518)."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(6, 12), nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).unflatten(-1, (4, 3)).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, self.key(x).unsqueeze(1), self.value(x).unsqueeze(1))
        return found.transpose(1, 2).flatten(2)


class Late(nn.Module):
    """Reads what it is given after it has begun."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.sigmoid(F.relu(x) * 2) + mask


class Masked(nn.Module):
    """A constant that two calls read."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Late(), Late()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.arange(6, dtype=x.dtype) / 6
        return self.second(self.fc(self.first(x, mask)), mask)


ZOO = {
    "residual": (TinyResNet, [(2, 3, 16, 16)]),
    "mobile": (Mobile, [(2, 3, 16, 16)]),
    "dense": (Dense, [(2, 3, 12, 12)]),
    "shuffle": (Shuffle, [(1, 3, 6, 6)]),
    "vit": (TinyViT, [(2, 3, 16, 16)]),
    "windows": (Windows, [(2, 3, 16, 16)]),
    "channels_last": (ChannelsLast, [(2, 3, 6, 6)]),
    "shared": (Shared, [(2, 3, 8, 8)]),
    "arithmetic": (Arithmetic, [(2, 3, 5, 5), (2, 4, 5, 5)]),
    "encoder": (Encoder, [(2, 5, 6)]),
    "fused": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Fused(4)), [(2, 3, 8, 8)]),
    "scaled": (lambda: nn.Sequential(ScaledKernel(3, 4), nn.ReLU()), [(2, 3, 6, 6)]),
    "responses": (lambda: nn.Sequential(nn.Conv2d(3, 4, 1), Responses(4)), [(2, 3, 6, 6)]),
    "shared_keys": (SharedKeys, [(2, 5, 6)]),
    "masked": (Masked, [(2, 5, 6)]),
    "standardised": (lambda: nn.Sequential(Standardised(3, 4, 3), nn.ReLU()), [(2, 3, 6, 6)]),
}
"""Each module with the sizes of an example."""


def zoo(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """A module with weights of its own and an example."""
    torch.manual_seed(3)
    make, shapes = ZOO[name]
    module = make()
    with torch.no_grad():
        for buffer_name, buffer in module.named_buffers():
            if buffer_name.endswith(("running_mean", "running_var")):
                buffer.uniform_(0.5, 1.5)
    return module, tuple(torch.randn(shape) for shape in shapes)
