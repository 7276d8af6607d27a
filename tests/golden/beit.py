def forward_tensor(self, image):
    """The tensor mode of beit."""
    backbone = self.backbone(image)
    return {"features": backbone.out[-1]}


def forward_loss(self, image, target_image, mask):
    """The loss mode of beit."""
    backbone = self.backbone(image, mask)
    target_generator = self.target_generator(target_image)
    head = self.head(backbone.out[0], target_generator, mask)
    del backbone, target_generator
    loss = self.loss(head.logits, head.target, head.weight, head.avg_factor)
    return {"loss": loss}
