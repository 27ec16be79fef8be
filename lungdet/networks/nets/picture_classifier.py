"""What all networks for single pictures share: features, one vector a picture, and a linear answer."""

from __future__ import annotations

from torch import Tensor, nn


class PictureClassifier(nn.Module):
    """Classify pictures of any size: feature maps, their mean, dropout, one linear layer.

    Args:
        features: maps ``(B, in_channels, rows, columns)`` to ``(B, embed_channels, rows', columns')``.
        embed_channels: channels of the feature maps, so the length of an embedding.
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        dropout: share of the embedding that is dropped before the linear layer, in training.

    Attributes:
        smallest_side: rows and columns that a picture must have at least, 32.

    Raises:
        ValueError: there are no classes or channels, or ``dropout`` is not in [0, 1).
    """

    smallest_side = 32

    def __init__(
        self, features: nn.Module, embed_channels: int, num_classes: int, in_channels: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if num_classes < 1 or in_channels < 1:
            raise ValueError(f"num_classes and in_channels must be at least 1, got {num_classes} and {in_channels}")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        self.num_classes, self.in_channels, self.embed_channels = num_classes, in_channels, embed_channels
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(embed_channels, num_classes)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Answer for each picture.

        Args:
            images: ``(B, in_channels, rows, columns)`` in [0, 1], at least 32 x 32.

        Returns:
            Logits ``(B, num_classes)``.

        Raises:
            ValueError: the shape is not as above.
        """
        return self.classify(self.embed(images))

    def embed(self, images: Tensor) -> Tensor:
        """Return the mean of the feature maps, ``(B, embed_channels)``; see :meth:`forward` for ``images``."""
        self.check_input(images)
        pooled: Tensor = self.features(images).mean(dim=(2, 3))
        return pooled

    def classify(self, embeddings: Tensor) -> Tensor:
        """Map ``(B, embed_channels)`` to logits ``(B, num_classes)``."""
        logits: Tensor = self.classifier(self.dropout(embeddings))
        return logits

    def check_input(self, images: Tensor) -> None:
        """Raise ValueError unless ``images`` is ``(B, in_channels, rows, columns)`` of at least 32 x 32."""
        if images.ndim != 4 or images.shape[1] != self.in_channels:
            raise ValueError(f"images must be (B, {self.in_channels}, rows, columns), got {tuple(images.shape)}")
        if images.shape[2] < self.smallest_side or images.shape[3] < self.smallest_side:
            raise ValueError(
                f"pictures must be at least {self.smallest_side} pixels high and wide, got {tuple(images.shape[2:])}: "
                "pad or enlarge them first"
            )


def initialise(network: nn.Module) -> None:
    """Start convolutions as He et al. (2015) do for ReLU, and norms at 1 and 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def conv_norm_relu(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1, most: float | None = None
) -> nn.Sequential:
    """Return a convolution that keeps the size but for its stride, a batch norm, and a ReLU, cut at ``most``."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True) if most is None else nn.Hardtanh(0.0, most, inplace=True),
    )
