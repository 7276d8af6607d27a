def forward_tensor(self, image):
    """The tensor mode of maskfeat."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image, mask):
    """The loss mode of maskfeat."""
    backbone = self.backbone(image, mask)
    tokens = self.tokens(backbone[-1])
    del backbone
    neck = self.neck(tokens)
    del tokens
    target_generator = self.target_generator(image)
    head = self.head(neck, mask)
    del neck
    loss = self.loss(head.pred, target_generator, head.mask)
    return {"loss": loss}
