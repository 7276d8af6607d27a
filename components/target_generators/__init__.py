"""Target generators: what losses compare with."""

KIND = {
    "title": "Target generators",
    "colour": "#96690a",
    "dark": "#d8b04a",
    "endings": ("generator",),
}
