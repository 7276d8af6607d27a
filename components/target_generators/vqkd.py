"""The tokenizer of BEiT v2, which gives patches their visual words."""

from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.backbones.beit_vit import BEiTViT
from components.shared.bounds import Count
from components.shared.distributed import all_summed
from components.shared.options import construct
from composer.ports import Augmentation, FeatureMap, Image, InputError, Label, Usually

__all__ = ["VQKD"]

_KMEANS_STEPS = 10


class Codebook(nn.Module):
    """Vectors of length 1, one a visual word."""

    initted: Tensor

    def __init__(self, words: int, length: int, kmeans_init: bool) -> None:
        super().__init__()
        start = torch.zeros(words, length) if kmeans_init else F.normalize(torch.randn(words, length))
        self.weight = nn.Parameter(start, requires_grad=False)
        self.register_buffer("initted", torch.tensor([float(not kmeans_init)]))


class NormEMAVectorQuantizer(nn.Module):
    """The nearest word of each vector; words move to the mean of what they stand for (BEiT v2, section 2.2).

    Words that nothing is nearest to stay. How often each is used is averaged too.
    """

    cluster_size: Tensor

    def __init__(self, words: int, length: int, decay: float, kmeans_init: bool) -> None:
        super().__init__()
        self.decay = decay
        self.embedding = Codebook(words, length, kmeans_init)
        self.register_buffer("cluster_size", torch.zeros(words))
        self.starts_from_data = kmeans_init
        self.register_load_state_dict_post_hook(_start_as_loaded)  # type: ignore[no-untyped-call]

    def forward(self, vectors: Tensor) -> Tensor:
        """[M, length] to the words' indices [M]."""
        vectors = F.normalize(vectors, dim=1)
        if self.training and self.starts_from_data:
            self.embedding.weight.copy_(_kmeans(vectors, self.embedding.weight.shape[0]))
            self.embedding.initted.fill_(1)
            self.starts_from_data = False
        words = self.embedding.weight
        lengths = vectors.square().sum(dim=1, keepdim=True) + words.square().sum(dim=1)
        nearest = (lengths - 2 * vectors @ words.t()).argmin(dim=1)
        if self.training:
            self._follow(vectors, nearest)
        return nearest

    def _follow(self, vectors: Tensor, nearest: Tensor) -> None:
        words = self.embedding.weight
        used = all_summed(_counts(nearest, words))
        means = all_summed(torch.zeros_like(words).index_add(0, nearest, vectors)) / used.clamp(min=1)[:, None]
        wanted = torch.where(used[:, None] == 0, words, F.normalize(means, dim=1))
        words.copy_(F.normalize(words.lerp(wanted, 1 - self.decay), dim=1))
        self.cluster_size.lerp_(used, 1 - self.decay)


class VQKD(nn.Module):
    """The visual word of every patch, by a vector-quantised encoder (BEiT v2, arXiv:2208.06366, section 2.2).

    It holds the encoder and the words only: load the published weights. No gradient flows through it, but, as in
    OpenMMLab, its words go on following what they stand for while the model trains; ``frozen: true`` of the node keeps
    them. Departs from OpenMMLab, which counts the use of words in evaluation too.

    Keywords: vector quantization, vector quantisation, vqvae, codebook, quantizer, tokenizer, beit v2 tokenizer,
    ema.

    Args:
        encoder_config: Options of a BEiTViT whose ``out_type`` is ``featmap``.
        num_embed: Visual words.
        embed_dims: Length of a word's vector.
        decay: Share of the old in the words' averages, 0 to 1.
        quantize_kmeans_init: Whether words that are not loaded start from a clustering (k-means) of the first batch
            that is trained on; otherwise from random vectors.

    Raises:
        ValueError: The encoder gives no map, or one of its options is unknown. In ``forward``: the image has another
            size than the encoder is made for.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(target="bicubic")

    def __init__(
        self,
        encoder_config: dict[str, Any],
        num_embed: Count = 8192,
        embed_dims: Count = 32,
        decay: Annotated[float, Interval(ge=0, le=1)] = 0.99,
        quantize_kmeans_init: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = construct(BEiTViT, "encoder_config", {}, encoder_config)
        if self.encoder.out_type != "featmap":
            raise ValueError(
                f"encoder_config has the out_type '{self.encoder.out_type}', the words of patches need their map: "
                "set it to 'featmap'"
            )
        wide = self.encoder.embed_dims
        self.in_channels = self.encoder.patch_embed.projection.in_channels
        self.quantize = NormEMAVectorQuantizer(num_embed, embed_dims, decay, quantize_kmeans_init)
        self.encode_task_layer = nn.Sequential(nn.Linear(wide, wide), nn.Tanh(), nn.Linear(wide, embed_dims))
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]) -> Annotated[Label, "B P"]:
        """[B, in_channels, H, W] to the words of the patches, row by row [B, patches] (int64)."""
        grid = self.encoder(image)[-1]
        if tuple(grid.shape[2:]) != tuple(self.encoder.patch_resolution):
            found, known = (" x ".join(map(str, sizes)) for sizes in (grid.shape[2:], self.encoder.patch_resolution))
            raise InputError(
                "image",
                f"found {image.shape[2]} x {image.shape[3]} pixels, which make {found} patches; the tokenizer "
                f"knows {known}: give it images of its img_size",
            )
        patches = grid.flatten(2).transpose(1, 2)
        vectors = self.encode_task_layer(patches)
        words: Tensor = self.quantize(vectors.flatten(0, 1))
        return words.reshape(vectors.shape[:2])


def _kmeans(vectors: Tensor, words: int) -> Tensor:
    """Centres of length 1 that vectors of length 1 gather around, by cosine similarity; empty ones stay."""
    if vectors.shape[0] >= words:
        start = torch.randperm(vectors.shape[0], device=vectors.device)[:words]
    else:
        start = torch.randint(vectors.shape[0], (words,), device=vectors.device)
    centres = vectors[start]
    for _ in range(_KMEANS_STEPS):
        nearest = (vectors @ centres.t()).argmax(dim=1)
        sums = torch.zeros_like(centres).index_add(0, nearest, vectors)
        empty = _counts(nearest, centres)[:, None] == 0
        centres = torch.where(empty, centres, F.normalize(sums, dim=1))
    return centres


def _counts(nearest: Tensor, words: Tensor) -> Tensor:
    ones = torch.ones_like(nearest, dtype=words.dtype)
    return words.new_zeros(words.shape[0]).index_add(0, nearest, ones)


def _start_as_loaded(module: NormEMAVectorQuantizer, _keys: Any) -> None:
    """Words that were loaded have started, or not, as their flag says."""
    if not module.embedding.initted.is_meta:
        module.starts_from_data = not bool(module.embedding.initted)
