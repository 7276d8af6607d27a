"""RoI extractors: features of regions."""

KIND = {
    "title": "RoI extractors",
    "colour": "#b3277f",
    "dark": "#ee76c1",
    "endings": ("extractor",),
}
