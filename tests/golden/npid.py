def forward_tensor(self, image):
    """The tensor mode of npid."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image, sample_index):
    """The loss mode of npid."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    memory_bank = self.memory_bank(neck, sample_index)
    del neck
    head = self.head(memory_bank.positive, memory_bank.negative)
    del memory_bank
    loss = self.loss(head.logits, head.target)
    return {"loss": loss}
