"""Backbones: what turns an image into features."""

KIND = {
    "title": "Backbones",
    "colour": "#3563e9",
    "dark": "#7a9bff",
    "order": 1,
    "endings": ("backbone",),
    "after": ("",),
    "gives": ("tensor",),
}
