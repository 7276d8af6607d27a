"""The same networks as the graphs in saved_graphs/, written by hand in plain torch."""

from torch import Tensor, nn

__all__ = ["HandWrittenFashion", "HandWrittenResNet"]


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


class HandWrittenFashion(nn.Module):
    """The network of saved_graphs/classification/fashion_mnist.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_conv, self.stem_norm = convolution(1, 32), nn.BatchNorm2d(32)
        self.stem_relu, self.stem_pool = nn.ReLU(), nn.MaxPool2d(2)
        self.block1_conv1, self.block1_norm1, self.block1_relu1 = convolution(32, 32), nn.BatchNorm2d(32), nn.ReLU()
        self.block1_conv2, self.block1_norm2, self.block1_relu2 = convolution(32, 32), nn.BatchNorm2d(32), nn.ReLU()
        self.down1_conv, self.down1_norm, self.down1_relu = convolution(32, 64), nn.BatchNorm2d(64), nn.ReLU()
        self.down1_pool = nn.MaxPool2d(2)
        self.block2_conv1, self.block2_norm1, self.block2_relu1 = convolution(64, 64), nn.BatchNorm2d(64), nn.ReLU()
        self.block2_conv2, self.block2_norm2, self.block2_relu2 = convolution(64, 64), nn.BatchNorm2d(64), nn.ReLU()
        self.down2_conv, self.down2_norm, self.down2_relu = convolution(64, 128, 2), nn.BatchNorm2d(128), nn.ReLU()
        self.pool, self.flat, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem_pool(self.stem_relu(self.stem_norm(self.stem_conv(x))))
        y = self.block1_relu1(self.block1_norm1(self.block1_conv1(x)))
        x = self.block1_relu2(self.block1_norm2(self.block1_conv2(y)) + x)
        x = self.down1_pool(self.down1_relu(self.down1_norm(self.down1_conv(x))))
        y = self.block2_relu1(self.block2_norm1(self.block2_conv1(x)))
        x = self.block2_relu2(self.block2_norm2(self.block2_conv2(y)) + x)
        x = self.down2_relu(self.down2_norm(self.down2_conv(x)))
        return self.classifier(self.flat(self.pool(x)))


class HandWrittenResNet(nn.Module):
    """A bottleneck ResNet of single layers, named as ``resnet_layers`` in benchmarks/graphs.py names its nodes."""

    def __init__(self, depths: tuple[int, ...] = (3, 4, 6, 3), classes: int = 1000) -> None:
        super().__init__()
        self.depths = depths
        self.conv1, self.norm1, self.relu1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, depth in enumerate(depths):
            width = 64 * 2**stage
            for block in range(depth):
                name, stride = f"stage{stage}_{block}", 2 if stage and not block else 1
                self.add(f"{name}_1", nn.Conv2d(channels, width, 1, bias=False), width)
                self.add(f"{name}_2", nn.Conv2d(width, width, 3, stride, 1, bias=False), width)
                self.add(f"{name}_3", nn.Conv2d(width, 4 * width, 1, bias=False), 4 * width)
                if not block:
                    shortcut = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
                    self.add(f"{name}_0", shortcut, 4 * width, activated=False)
                channels = 4 * width
        self.gap, self.flat, self.fc = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)

    def add(self, name: str, layer: nn.Conv2d, width: int, activated: bool = True) -> None:
        self.add_module(f"{name}_conv", layer)
        self.add_module(f"{name}_norm", nn.BatchNorm2d(width))
        if activated:
            self.add_module(f"{name}_relu", nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu1(self.norm1(self.conv1(x))))
        for stage, depth in enumerate(self.depths):
            for block in range(depth):
                x = self.block(f"stage{stage}_{block}", x, block == 0)
        return self.fc(self.flat(self.gap(x)))

    def block(self, name: str, x: Tensor, shortcut: bool) -> Tensor:
        part = self._modules
        y = part[f"{name}_1_relu"](part[f"{name}_1_norm"](part[f"{name}_1_conv"](x)))
        y = part[f"{name}_2_relu"](part[f"{name}_2_norm"](part[f"{name}_2_conv"](y)))
        y = part[f"{name}_3_norm"](part[f"{name}_3_conv"](y))
        if shortcut:
            x = part[f"{name}_0_norm"](part[f"{name}_0_conv"](x))
        return part[f"{name}_3_relu"](y + x)
