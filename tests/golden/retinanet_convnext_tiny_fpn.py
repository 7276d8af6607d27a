def forward_tensor(self, image):
    """The tensor mode of retinanet_convnext_tiny_fpn."""
    backbone = self.backbone(image)
    neck = self.neck(backbone)
    del backbone
    bbox_head = self.bbox_head(neck)
    return {"cls_score": bbox_head.cls_score, "bbox_pred": bbox_head.bbox_pred}


def forward_loss(self, image, boxes, box_labels, image_shape):
    """The loss mode of retinanet_convnext_tiny_fpn."""
    backbone = self.backbone(image)
    neck = self.neck(backbone)
    del backbone
    bbox_head = self.bbox_head(neck)
    del neck
    anchors = self.anchors(bbox_head.cls_score, image)
    predictions = self.predictions(bbox_head.cls_score, bbox_head.bbox_pred)
    inside = self.inside(anchors, bbox_head.cls_score, image, image_shape)
    del bbox_head
    assigner = self.assigner(anchors, boxes, inside)
    del inside
    sampler = self.sampler(anchors, assigner)
    del anchors, assigner
    targets = self.targets(sampler.priors, sampler.assigned, boxes, box_labels)
    encoder = self.encoder(sampler.priors, targets.boxes)
    loss_cls = self.loss_cls(
        predictions.cls_score,
        targets.labels,
        targets.label_weights,
        sampler.avg_factor,
    )
    loss_bbox = self.loss_bbox(
        predictions.bbox_pred,
        encoder,
        targets.box_weights,
        sampler.avg_factor,
    )
    return {"loss_cls": loss_cls, "loss_bbox": loss_bbox}


def forward_predict(self, image, image_shape):
    """The predict mode of retinanet_convnext_tiny_fpn."""
    backbone = self.backbone(image)
    neck = self.neck(backbone)
    del backbone
    bbox_head = self.bbox_head(neck)
    del neck
    anchors = self.anchors(bbox_head.cls_score, image)
    predictions = self.predictions(bbox_head.cls_score, bbox_head.bbox_pred)
    coder = self.coder(anchors, predictions.bbox_pred, image, image_shape)
    del anchors, predictions
    prediction = self.prediction(bbox_head.cls_score, coder)
    return {"detections": prediction}
