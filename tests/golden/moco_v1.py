def forward_tensor(self, view_1):
    """The tensor mode of moco_v1."""
    backbone = self.backbone(view_1)
    return {"features": backbone[-1]}


def forward_loss(self, view_1, view_2):
    """The loss mode of moco_v1."""
    backbone = self.backbone(view_1)
    neck = self.neck(backbone[-1])
    del backbone
    shuffle = self.shuffle(view_2)
    if self.training:
        momentum_update(self.backbone_k, self.backbone, decay=0.999)
        momentum_update(self.neck_k, self.neck, decay=0.999)
    with torch.no_grad():
        backbone_k = self.backbone_k(shuffle.out)
        neck_k = self.neck_k(backbone_k[-1])
        del backbone_k
    unshuffle = self.unshuffle(neck_k, shuffle.order)
    del shuffle, neck_k
    query = self.query(neck)
    del neck
    key = self.key(unshuffle)
    del unshuffle
    queue = self.queue(key)
    similarity = self.similarity(query, key, queue)
    del query, key, queue
    head = self.head(similarity.pos, similarity.neg)
    del similarity
    loss = self.loss(head.logits, head.target)
    return {"loss": loss}
