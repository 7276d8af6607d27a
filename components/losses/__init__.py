"""Losses: how far predictions are from what they should be."""

KIND = {
    "title": "Losses",
    "colour": "#c8321f",
    "dark": "#ff7a68",
    "order": 4,
    "endings": ("loss",),
    "after": ("target_generators", "heads", "necks"),
    "gives": ("loss",),
}
