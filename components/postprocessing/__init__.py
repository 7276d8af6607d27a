"""Postprocessing: what makes answers of scores."""

KIND = {
    "title": "Postprocessing",
    "colour": "#4d7a1f",
    "dark": "#9ccb62",
    "order": 5,
    "after": ("heads",),
    "gives": ("predict",),
}
