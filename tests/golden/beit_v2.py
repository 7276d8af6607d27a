def forward_tensor(self, image):
    """The tensor mode of beit_v2."""
    backbone = self.backbone(image)
    return {"features": backbone.out[-1]}


def forward_loss(self, image, target_image, mask):
    """The loss mode of beit_v2."""
    backbone = self.backbone(image, mask)
    target_generator = self.target_generator(target_image)
    neck = self.neck(backbone.out[0], backbone.out[1], backbone.rel_pos_bias)
    del backbone
    head = self.head(neck.feats, neck.feats_cls_pt, target_generator, mask)
    del target_generator, neck
    loss = self.loss(head.logits, head.target, head.weight, head.avg_factor)
    loss_2 = self.loss(head.logits_cls_pt, head.target, head.weight, head.avg_factor)
    return {"loss_1": loss, "loss_2": loss_2}
