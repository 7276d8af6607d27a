"""Similarities of pairs of embeddings: what contrastive losses compare."""

KIND = {
    "title": "Similarities",
    "colour": "#b0427c",
    "dark": "#e788b8",
    "order": 3,
    "after": ("necks",),
    "of_samples": True,
}
