def forward_tensor(self, view_1):
    """The tensor mode of simclr."""
    backbone = self.backbone(view_1)
    return {"features": backbone[-1]}


def forward_loss(self, view_1, view_2):
    """The loss mode of simclr."""
    views = self.views(view_1, view_2)
    backbone = self.backbone(views)
    del views
    neck = self.neck(backbone[-1])
    del backbone
    similarity = self.similarity(neck)
    del neck
    head = self.head(similarity.pos, similarity.neg)
    del similarity
    loss = self.loss(head.logits, head.target)
    return {"loss": loss}
