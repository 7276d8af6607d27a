"""composer: vision models as graphs.

A graph is data: components as nodes with typed ports, wired into a directed acyclic graph and saved as YAML. It is
checked, its sizes are inferred, and it is compiled into an ordinary ``torch.nn.Module`` with three forward modes::

    import composer

    model = composer.load("saved_graphs/classification/resnet18_cifar.yaml")
    losses = model(images, {"label": labels}, mode="loss")
"""
