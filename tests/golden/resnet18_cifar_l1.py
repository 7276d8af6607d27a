def forward_tensor(self, image):
    """The tensor mode of resnet18_cifar_l1."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    head = self.head(neck)
    return {"logits": head}


def forward_loss(self, image, label):
    """The loss mode of resnet18_cifar_l1."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    head = self.head(neck)
    del neck
    prediction = self.prediction(head)
    del head
    target = self.target(label)
    loss = self.loss(prediction.scores, target)
    return {"loss": loss}


def forward_predict(self, image):
    """The predict mode of resnet18_cifar_l1."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    head = self.head(neck)
    del neck
    prediction = self.prediction(head)
    return {"scores": prediction.scores, "labels": prediction.labels}
