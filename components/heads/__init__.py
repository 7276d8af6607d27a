"""Heads: what makes scores, boxes or reconstructions of features."""

KIND = {
    "title": "Heads",
    "colour": "#8446d8",
    "dark": "#b98aff",
    "order": 3,
    "endings": ("head",),
    "after": ("necks", "backbones"),
}
