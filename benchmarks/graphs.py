"""Graphs that the benchmarks are run on."""

from composer import Graph, GraphBuilder

__all__ = ["resnet_layers"]


def resnet_layers(depths: tuple[int, ...] = (3, 4, 6, 3), size: int = 224, stem: int = 64) -> Graph:
    """A ResNet as single layers: 175 nodes for the default ResNet-50.

    Args:
        depths: Blocks in each stage.
        size: Height and width of the image, in pixels.
        stem: Channels of the stem; another value is a one-parameter edit.
    """
    build = GraphBuilder("resnet_layers")
    image = build.input("image", "Image", ["B", 3, size, size])

    def convolution(name, x, **params):
        y = build.node(f"{name}_conv", "Conv2d", bias=False, **params)(input=x)
        return build.node(f"{name}_norm", "BatchNorm2d")(input=y.out)

    def relu(name, x):
        return build.node(name, "ReLU")(input=x.out)

    x = build.node("conv1", "Conv2d", out_channels=stem, kernel_size=7, stride=2, padding=3, bias=False)(input=image)
    x = relu("relu1", build.node("norm1", "BatchNorm2d")(input=x.out))
    x = build.node("pool", "MaxPool2d", kernel_size=3, stride=2, padding=1)(input=x.out)
    for stage, depth in enumerate(depths):
        width = 64 * 2**stage
        for block in range(depth):
            name, stride = f"stage{stage}_{block}", 2 if stage and not block else 1
            y = relu(f"{name}_1_relu", convolution(f"{name}_1", x.out, out_channels=width, kernel_size=1))
            y = convolution(f"{name}_2", y.out, out_channels=width, kernel_size=3, stride=stride, padding=1)
            y = convolution(f"{name}_3", relu(f"{name}_2_relu", y).out, out_channels=4 * width, kernel_size=1)
            if not block:
                x = convolution(f"{name}_0", x.out, out_channels=4 * width, kernel_size=1, stride=stride)
            y = build.node(f"{name}_add", "Add")(xs=[y.out, x.out])
            x = relu(f"{name}_3_relu", y)
    x = build.node("gap", "AdaptiveAvgPool2d", output_size=1)(input=x.out)
    x = build.node("flat", "Flatten")(input=x.out)
    x = build.node("fc", "Linear", out_features=1000)(input=x.out)
    build.output("tensor", logits=x.out)
    return build.graph()
