def forward_tensor(self, image):
    """The tensor mode of relative_loc."""
    backbone = self.backbone(image)
    return {"features": backbone[-1]}


def forward_loss(self, image):
    """The loss mode of relative_loc."""
    patches = self.patches(image)
    backbone = self.backbone(patches.patch)
    backbone_2 = self.backbone(patches.center)
    neck = self.neck(backbone[-1], backbone_2[-1])
    del backbone, backbone_2
    head = self.head(neck)
    del neck
    loss = self.loss(head, patches.label)
    return {"loss": loss}


def forward_predict(self, image):
    """The predict mode of relative_loc."""
    patches = self.patches(image)
    backbone = self.backbone(patches.patch)
    backbone_2 = self.backbone(patches.center)
    del patches
    neck = self.neck(backbone[-1], backbone_2[-1])
    del backbone, backbone_2
    head = self.head(neck)
    del neck
    prediction = self.prediction(head)
    return {"scores": prediction.scores, "labels": prediction.labels}
