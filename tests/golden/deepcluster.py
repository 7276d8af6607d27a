def forward_tensor(self, image):
    """The tensor mode of deepcluster."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image, pseudo_label):
    """The loss mode of deepcluster."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    class_weights = self.class_weights(pseudo_label)
    head = self.head(neck)
    del neck
    loss = self.loss(head, pseudo_label, class_weights)
    return {"loss": loss}


def forward_predict(self, image):
    """The predict mode of deepcluster."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    head = self.head(neck)
    prediction = self.prediction(head)
    return {"scores": prediction.scores, "labels": prediction.labels, "features": neck}
