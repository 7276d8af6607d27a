def forward_tensor(self, image):
    """The tensor mode of cae."""
    backbone = self.backbone(image)
    return {"features": backbone.out[-1]}


def forward_loss(self, image, target_image, mask):
    """The loss mode of cae."""
    masking = self.masking(mask)
    backbone = self.backbone(image, masking.ids_keep)
    with torch.no_grad():
        teacher = self.teacher(image, masking.ids_masked)
    neck = self.neck(backbone.out[-1], backbone.pos_embed, masking.ids_keep, masking.ids_masked)
    del backbone
    target_generator = self.target_generator(target_image)
    head = self.head(neck.logits, target_generator, teacher.out[-1], masking.ids_masked)
    del masking, teacher, target_generator
    loss = self.loss(head.logits, head.target, neck.latent, head.latent_target)
    if self.training:
        momentum_update(self.teacher, self.backbone, decay=0.0)
    return {"loss": loss.loss, "main": loss.main, "align": loss.align}
