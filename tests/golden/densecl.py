def forward_tensor(self, view_1):
    """The tensor mode of densecl."""
    backbone = self.backbone(view_1)
    return {"features": backbone[-1]}


def forward_loss(self, view_1, view_2):
    """The loss mode of densecl."""
    backbone = self.backbone(view_1)
    neck = self.neck(backbone[-1])
    shuffle = self.shuffle(view_2)
    if self.training:
        momentum_update(self.backbone_k, self.backbone, decay=0.999)
    with torch.no_grad():
        backbone_k = self.backbone_k(shuffle.out)
    unshuffle = self.unshuffle(backbone_k[-1], shuffle.order)
    del shuffle, backbone_k
    if self.training:
        momentum_update(self.neck_k, self.neck, decay=0.999)
    with torch.no_grad():
        neck_k = self.neck_k(unshuffle)
    query = self.query(neck.single)
    query_places = self.query_places(neck.dense)
    del neck
    key = self.key(neck_k.single)
    key_places = self.key_places(neck_k.dense)
    key_mean = self.key_mean(neck_k.dense_mean)
    del neck_k
    queue = self.queue(key)
    queue2 = self.queue2(key_mean)
    del key_mean
    places = self.places(backbone[-1], unshuffle, query_places, key_places)
    del backbone, unshuffle, query_places, key_places
    similarity = self.similarity(query, key, queue)
    del query, key, queue
    similarity_2 = self.similarity_2(places.query, places.key, queue2)
    del queue2, places
    head = self.head(similarity.pos, similarity.neg)
    del similarity
    loss = self.loss(head.logits, head.target)
    del head
    head_2 = self.head(similarity_2.pos, similarity_2.neg)
    del similarity_2
    loss_2 = self.loss(head_2.logits, head_2.target)
    del head_2
    single = self.single(loss)
    del loss
    dense = self.dense(loss_2)
    return {"loss_single": single, "loss_dense": dense}
