"""Running a graph on data: from images and labels to the arguments of a mode, and from its outputs to answers."""
