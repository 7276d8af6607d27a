"""Memories: what is kept from one step to the next."""

KIND = {
    "title": "Memories",
    "colour": "#a8620a",
    "dark": "#e3a04f",
    "endings": ("memory", "queue"),
    "of_samples": True,
}
