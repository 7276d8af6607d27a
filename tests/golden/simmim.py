def forward_tensor(self, image):
    """The tensor mode of simmim."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image, mask):
    """The loss mode of simmim."""
    backbone = self.backbone(image, mask)
    neck = self.neck(backbone[0])
    del backbone
    head = self.head(mask)
    loss = self.loss(neck, image, head)
    return {"loss": loss}
