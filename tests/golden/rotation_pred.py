def forward_tensor(self, image):
    """The tensor mode of rotation_pred."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image):
    """The loss mode of rotation_pred."""
    rotations = self.rotations(image)
    backbone = self.backbone(rotations.image)
    head = self.head(backbone[-1])
    del backbone
    loss = self.loss(head, rotations.label)
    return {"loss": loss}


def forward_predict(self, image):
    """The predict mode of rotation_pred."""
    backbone = self.backbone(image)
    head = self.head(backbone[-1])
    del backbone
    prediction = self.prediction(head)
    return {"scores": prediction.scores, "labels": prediction.labels}
