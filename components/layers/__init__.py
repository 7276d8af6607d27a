"""Layers: what every network is made of."""

KIND = {
    "title": "Layers",
    "colour": "#5b6f87",
    "dark": "#93a7bf",
    "order": 6,
    "anywhere": True,
    "after": ("layers",),
}
