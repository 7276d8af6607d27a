def forward_tensor(self, view_1):
    """The tensor mode of swav."""
    backbone = self.backbone(view_1)
    return {"features": backbone[-1]}


def forward_loss(self, view_1, view_2, view_3, view_4, view_5, view_6, view_7, view_8):
    """The loss mode of swav."""
    crops_1 = self.crops_1(view_1, view_2)
    crops_2 = self.crops_2(view_3, view_4, view_5, view_6, view_7, view_8)
    backbone = self.backbone(crops_1)
    del crops_1
    backbone_2 = self.backbone(crops_2)
    del crops_2
    neck = self.neck(backbone[-1], backbone_2[-1])
    del backbone, backbone_2
    loss = self.loss(neck)
    return {"loss": loss}
