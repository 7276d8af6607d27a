def forward_tensor(self, image):
    """The tensor mode of odc."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image, sample_index):
    """The loss mode of odc."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    memory_bank = self.memory_bank(neck, sample_index)
    class_weights = self.class_weights(memory_bank.label)
    head = self.head(neck)
    del neck
    loss = self.loss(head, memory_bank.label, class_weights)
    return {"loss": loss, "change_ratio": memory_bank.change_ratio}


def forward_predict(self, image):
    """The predict mode of odc."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    head = self.head(neck)
    prediction = self.prediction(head)
    return {"scores": prediction.scores, "labels": prediction.labels, "features": neck}
