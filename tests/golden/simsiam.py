def forward_tensor(self, view_1):
    """The tensor mode of simsiam."""
    backbone = self.backbone(view_1)
    return {"features": backbone[-1]}


def forward_loss(self, view_1, view_2):
    """The loss mode of simsiam."""
    backbone = self.backbone(view_1)
    neck = self.neck(backbone[-1])
    del backbone
    backbone_2 = self.backbone(view_2)
    neck_2 = self.neck(backbone_2[-1])
    del backbone_2
    head = self.head(neck, neck_2)
    loss = self.loss(head.pred, head.target)
    del head
    head_2 = self.head(neck_2, neck)
    del neck, neck_2
    loss_2 = self.loss(head_2.pred, head_2.target)
    del head_2
    total = self.total(loss, loss_2)
    return {"loss": total}
