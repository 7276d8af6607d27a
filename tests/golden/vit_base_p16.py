def forward_tensor(self, image):
    """The tensor mode of vit_base_p16."""
    backbone = self.backbone(image)
    head = self.head(backbone[-1])
    return {"logits": head.logits}


def forward_loss(self, image, label):
    """The loss mode of vit_base_p16."""
    backbone = self.backbone(image)
    head = self.head(backbone[-1])
    del backbone
    loss = self.loss(head.logits, label)
    return {"loss": loss}


def forward_predict(self, image):
    """The predict mode of vit_base_p16."""
    backbone = self.backbone(image)
    head = self.head(backbone[-1])
    del backbone
    prediction = self.prediction(head.logits)
    return {"scores": prediction.scores, "labels": prediction.labels}
