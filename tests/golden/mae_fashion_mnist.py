def forward_tensor(self, image):
    """The tensor mode of mae_fashion_mnist."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image):
    """The loss mode of mae_fashion_mnist."""
    masking = self.masking(image)
    backbone = self.backbone(image, masking.ids_keep)
    neck = self.neck(backbone[-1], masking.ids_restore)
    del backbone
    head = self.head(image)
    loss = self.loss(neck, head, masking.mask)
    return {"loss": loss}
