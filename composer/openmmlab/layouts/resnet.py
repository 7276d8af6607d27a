"""ResNet in torchvision and timm."""

from composer.openmmlab.layouts.layout import HEAD, Layout, renamed_by

__all__ = ["RESNET"]

_TABLE = (
    (r"fc\.(\w+)", (HEAD + r"fc.\1",)),
    # timm's deep stem: convolutions 0, 3 and 6 of one Sequential, the last norm beside it.
    (r"conv1\.0\.(\w+)", (r"stem.0.conv.\1",)),
    (r"conv1\.1\.(\w+)", (r"stem.0.bn.\1",)),
    (r"conv1\.3\.(\w+)", (r"stem.1.conv.\1",)),
    (r"conv1\.4\.(\w+)", (r"stem.1.bn.\1",)),
    (r"conv1\.6\.(\w+)", (r"stem.2.conv.\1",)),
    (r"bn1\.(\w+)", (r"bn1.\1", r"stem.2.bn.\1")),
    # timm counts a pooling that OpenMMLab leaves out where there is no step.
    (r"(layer\d+\.0\.downsample)\.1\.(\w+)", (r"\1.1.\2", r"\1.0.\2")),
    (r"(layer\d+\.0\.downsample)\.2\.(\w+)", (r"\1.2.\2", r"\1.1.\2")),
    (r"(conv1\.\w+|layer\d+\..+)", (r"\1",)),
)

RESNET = (Layout("torchvision or timm", "ResNet", lambda names: renamed_by(_TABLE)),)
