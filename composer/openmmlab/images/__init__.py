"""What a config says of the images that a model is tested on: their pipeline, their normalisation, their classes."""
