"""Necks: what stands between a backbone and a head."""

KIND = {
    "title": "Necks",
    "colour": "#0a8f9c",
    "dark": "#49c3cf",
    "order": 2,
    "endings": ("neck",),
    "after": ("backbones",),
    "gives": ("tensor",),
}
