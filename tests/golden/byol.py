def forward_tensor(self, view_1):
    """The tensor mode of byol."""
    backbone = self.backbone(view_1)
    return {"features": backbone[-1]}


def forward_loss(self, view_1, view_2):
    """The loss mode of byol."""
    backbone = self.backbone(view_1)
    neck = self.neck(backbone[-1])
    del backbone
    backbone_2 = self.backbone(view_2)
    neck_2 = self.neck(backbone_2[-1])
    del backbone_2
    if self.training:
        momentum_update(
            self.backbone_k,
            self.backbone,
            decay=scheduled_decay(0.99, 1.0, self.training_progress),
        )
        momentum_update(
            self.neck_k,
            self.neck,
            decay=scheduled_decay(0.99, 1.0, self.training_progress),
        )
    with torch.no_grad():
        backbone_k = self.backbone_k(view_1)
        neck_k = self.neck_k(backbone_k[-1])
        del backbone_k
        backbone_k_2 = self.backbone_k(view_2)
        neck_k_2 = self.neck_k(backbone_k_2[-1])
        del backbone_k_2
    head = self.head(neck, neck_k_2)
    del neck, neck_k_2
    loss = self.loss(head.pred, head.target)
    del head
    head_2 = self.head(neck_2, neck_k)
    del neck_2, neck_k
    loss_2 = self.loss(head_2.pred, head_2.target)
    del head_2
    total = self.total(loss, loss_2)
    return {"loss": total}
