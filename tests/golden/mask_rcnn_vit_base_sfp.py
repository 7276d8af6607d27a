def forward_tensor(self, image):
    """The tensor mode of mask_rcnn_vit_base_sfp."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    rpn_head = self.rpn_head(neck)
    rpn__anchors = self.rpn.anchors(rpn_head.cls_score, image)
    rpn__predictions = self.rpn.predictions(rpn_head.cls_score, rpn_head.bbox_pred)
    rpn__coder = self.rpn.coder(rpn__anchors, rpn__predictions.bbox_pred, image)
    del rpn__anchors, rpn__predictions
    rpn__proposals = self.rpn.proposals(rpn_head.cls_score, rpn__coder)
    del rpn_head, rpn__coder
    roi_head__bbox_roi_extractor = self.roi_head.bbox_roi_extractor(neck, rpn__proposals.rois)
    roi_head__bbox_head = self.roi_head.bbox_head(roi_head__bbox_roi_extractor)
    del roi_head__bbox_roi_extractor
    roi_head__first_rois = self.roi_head.first_rois(rpn__proposals.rois)
    del rpn__proposals
    roi_head__mask_roi_extractor = self.roi_head.mask_roi_extractor(neck, roi_head__first_rois)
    del neck, roi_head__first_rois
    roi_head__mask_head = self.roi_head.mask_head(roi_head__mask_roi_extractor)
    return {
        "cls_score": roi_head__bbox_head.cls_score,
        "bbox_pred": roi_head__bbox_head.bbox_pred,
        "mask_pred": roi_head__mask_head,
    }


def forward_loss(self, image, boxes, box_labels, masks, image_shape):
    """The loss mode of mask_rcnn_vit_base_sfp."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    rpn_head = self.rpn_head(neck)
    rpn__anchors = self.rpn.anchors(rpn_head.cls_score, image)
    rpn__predictions = self.rpn.predictions(rpn_head.cls_score, rpn_head.bbox_pred)
    rpn__coder = self.rpn.coder(rpn__anchors, rpn__predictions.bbox_pred, image, image_shape)
    rpn__inside = self.rpn.inside(rpn__anchors, rpn_head.cls_score, image, image_shape)
    rpn__assigner = self.rpn.assigner(rpn__anchors, boxes, rpn__inside)
    del rpn__inside
    rpn__sampler = self.rpn.sampler(rpn__anchors, rpn__assigner)
    del rpn__anchors, rpn__assigner
    rpn__targets = self.rpn.targets(rpn__sampler.priors, rpn__sampler.assigned, boxes)
    rpn__encoder = self.rpn.encoder(rpn__sampler.priors, rpn__targets.boxes)
    rpn__loss_cls = self.rpn.loss_cls(
        rpn__predictions.cls_score,
        rpn__targets.labels,
        rpn__targets.label_weights,
        rpn__sampler.avg_factor,
    )
    rpn__loss_bbox = self.rpn.loss_bbox(
        rpn__predictions.bbox_pred,
        rpn__encoder,
        rpn__targets.box_weights,
        rpn__sampler.avg_factor,
    )
    del rpn__predictions, rpn__sampler, rpn__targets, rpn__encoder
    rpn__training_proposals = self.rpn.training_proposals(rpn_head.cls_score, rpn__coder)
    del rpn_head, rpn__coder
    roi_head__assigner = self.roi_head.assigner(rpn__training_proposals.rois, boxes)
    roi_head__sampler = self.roi_head.sampler(
        rpn__training_proposals.rois,
        roi_head__assigner,
        boxes,
    )
    del rpn__training_proposals, roi_head__assigner
    roi_head__bbox_roi_extractor = self.roi_head.bbox_roi_extractor(neck, roi_head__sampler.priors)
    roi_head__bbox_head = self.roi_head.bbox_head(roi_head__bbox_roi_extractor)
    del roi_head__bbox_roi_extractor
    roi_head__targets = self.roi_head.targets(
        roi_head__sampler.priors,
        roi_head__sampler.assigned,
        boxes,
        box_labels,
    )
    roi_head__encoder = self.roi_head.encoder(roi_head__sampler.priors, roi_head__targets.boxes)
    roi_head__class_boxes = self.roi_head.class_boxes(
        roi_head__bbox_head.bbox_pred,
        roi_head__targets.labels,
    )
    roi_head__loss_cls = self.roi_head.loss_cls(
        roi_head__bbox_head.cls_score,
        roi_head__targets.labels,
        roi_head__targets.label_weights,
        roi_head__sampler.avg_factor,
    )
    roi_head__acc = self.roi_head.acc(roi_head__bbox_head.cls_score, roi_head__targets.labels)
    del roi_head__bbox_head
    roi_head__loss_bbox = self.roi_head.loss_bbox(
        roi_head__class_boxes,
        roi_head__encoder,
        roi_head__targets.box_weights,
        roi_head__sampler.avg_factor,
    )
    del roi_head__encoder, roi_head__class_boxes
    roi_head__positives = self.roi_head.positives(
        roi_head__sampler.priors,
        roi_head__sampler.assigned,
        roi_head__targets.labels,
    )
    del roi_head__sampler, roi_head__targets
    roi_head__mask_roi_extractor = self.roi_head.mask_roi_extractor(neck, roi_head__positives.rois)
    del neck
    roi_head__mask_head = self.roi_head.mask_head(roi_head__mask_roi_extractor)
    del roi_head__mask_roi_extractor
    roi_head__mask_targets = self.roi_head.mask_targets(
        roi_head__positives.rois,
        roi_head__positives.assigned,
        boxes,
        masks,
        image,
    )
    roi_head__class_masks = self.roi_head.class_masks(
        roi_head__mask_head,
        roi_head__positives.labels,
    )
    del roi_head__positives, roi_head__mask_head
    roi_head__loss_mask = self.roi_head.loss_mask(roi_head__class_masks, roi_head__mask_targets)
    return {
        "loss_rpn_cls": rpn__loss_cls,
        "loss_rpn_bbox": rpn__loss_bbox,
        "loss_cls": roi_head__loss_cls,
        "acc": roi_head__acc,
        "loss_bbox": roi_head__loss_bbox,
        "loss_mask": roi_head__loss_mask,
    }


def forward_predict(self, image, image_shape):
    """The predict mode of mask_rcnn_vit_base_sfp."""
    backbone = self.backbone(image)
    neck = self.neck(backbone[-1])
    del backbone
    rpn_head = self.rpn_head(neck)
    rpn__anchors = self.rpn.anchors(rpn_head.cls_score, image)
    rpn__predictions = self.rpn.predictions(rpn_head.cls_score, rpn_head.bbox_pred)
    rpn__coder = self.rpn.coder(rpn__anchors, rpn__predictions.bbox_pred, image, image_shape)
    del rpn__anchors, rpn__predictions
    rpn__proposals = self.rpn.proposals(rpn_head.cls_score, rpn__coder)
    del rpn_head, rpn__coder
    roi_head__bbox_roi_extractor = self.roi_head.bbox_roi_extractor(neck, rpn__proposals.rois)
    roi_head__bbox_head = self.roi_head.bbox_head(roi_head__bbox_roi_extractor)
    del roi_head__bbox_roi_extractor
    roi_head__coder = self.roi_head.coder(
        rpn__proposals.rois,
        roi_head__bbox_head.bbox_pred,
        image,
        image_shape,
    )
    roi_head__prediction = self.roi_head.prediction(
        rpn__proposals.rois,
        roi_head__bbox_head.cls_score,
        roi_head__coder,
        image,
    )
    del rpn__proposals, roi_head__bbox_head, roi_head__coder
    roi_head__mask_roi_extractor = self.roi_head.mask_roi_extractor(neck, roi_head__prediction.rois)
    del neck
    roi_head__mask_head = self.roi_head.mask_head(roi_head__mask_roi_extractor)
    del roi_head__mask_roi_extractor
    roi_head__mask_prediction = self.roi_head.mask_prediction(
        roi_head__prediction.detections,
        roi_head__mask_head,
        roi_head__prediction.labels,
        image,
        image_shape,
    )
    return {"detections": roi_head__mask_prediction}
