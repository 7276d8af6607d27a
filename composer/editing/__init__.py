"""Changes that a person makes to a graph: wiring, renaming, grouping, pasting. Nothing here knows the browser."""
