"""Similarities of pairs of embeddings: what contrastive losses compare."""
