def forward_tensor(self, image):
    """The tensor mode of fashion_mnist."""
    stem_conv = self.stem_conv(image)
    stem_norm = self.stem_norm(stem_conv)
    del stem_conv
    stem_relu = self.stem_relu(stem_norm)
    del stem_norm
    stem_pool = self.stem_pool(stem_relu)
    del stem_relu
    block1_conv1 = self.block1_conv1(stem_pool)
    block1_norm1 = self.block1_norm1(block1_conv1)
    del block1_conv1
    block1_relu1 = self.block1_relu1(block1_norm1)
    del block1_norm1
    block1_conv2 = self.block1_conv2(block1_relu1)
    del block1_relu1
    block1_norm2 = self.block1_norm2(block1_conv2)
    del block1_conv2
    block1_add = self.block1_add(block1_norm2, stem_pool)
    del stem_pool, block1_norm2
    block1_relu2 = self.block1_relu2(block1_add)
    del block1_add
    down1_conv = self.down1_conv(block1_relu2)
    del block1_relu2
    down1_norm = self.down1_norm(down1_conv)
    del down1_conv
    down1_relu = self.down1_relu(down1_norm)
    del down1_norm
    down1_pool = self.down1_pool(down1_relu)
    del down1_relu
    block2_conv1 = self.block2_conv1(down1_pool)
    block2_norm1 = self.block2_norm1(block2_conv1)
    del block2_conv1
    block2_relu1 = self.block2_relu1(block2_norm1)
    del block2_norm1
    block2_conv2 = self.block2_conv2(block2_relu1)
    del block2_relu1
    block2_norm2 = self.block2_norm2(block2_conv2)
    del block2_conv2
    block2_add = self.block2_add(block2_norm2, down1_pool)
    del down1_pool, block2_norm2
    block2_relu2 = self.block2_relu2(block2_add)
    del block2_add
    down2_conv = self.down2_conv(block2_relu2)
    del block2_relu2
    down2_norm = self.down2_norm(down2_conv)
    del down2_conv
    down2_relu = self.down2_relu(down2_norm)
    del down2_norm
    pool = self.pool(down2_relu)
    del down2_relu
    flat = self.flat(pool)
    del pool
    classifier = self.classifier(flat)
    return {"logits": classifier}


def forward_loss(self, image, label):
    """The loss mode of fashion_mnist."""
    stem_conv = self.stem_conv(image)
    stem_norm = self.stem_norm(stem_conv)
    del stem_conv
    stem_relu = self.stem_relu(stem_norm)
    del stem_norm
    stem_pool = self.stem_pool(stem_relu)
    del stem_relu
    block1_conv1 = self.block1_conv1(stem_pool)
    block1_norm1 = self.block1_norm1(block1_conv1)
    del block1_conv1
    block1_relu1 = self.block1_relu1(block1_norm1)
    del block1_norm1
    block1_conv2 = self.block1_conv2(block1_relu1)
    del block1_relu1
    block1_norm2 = self.block1_norm2(block1_conv2)
    del block1_conv2
    block1_add = self.block1_add(block1_norm2, stem_pool)
    del stem_pool, block1_norm2
    block1_relu2 = self.block1_relu2(block1_add)
    del block1_add
    down1_conv = self.down1_conv(block1_relu2)
    del block1_relu2
    down1_norm = self.down1_norm(down1_conv)
    del down1_conv
    down1_relu = self.down1_relu(down1_norm)
    del down1_norm
    down1_pool = self.down1_pool(down1_relu)
    del down1_relu
    block2_conv1 = self.block2_conv1(down1_pool)
    block2_norm1 = self.block2_norm1(block2_conv1)
    del block2_conv1
    block2_relu1 = self.block2_relu1(block2_norm1)
    del block2_norm1
    block2_conv2 = self.block2_conv2(block2_relu1)
    del block2_relu1
    block2_norm2 = self.block2_norm2(block2_conv2)
    del block2_conv2
    block2_add = self.block2_add(block2_norm2, down1_pool)
    del down1_pool, block2_norm2
    block2_relu2 = self.block2_relu2(block2_add)
    del block2_add
    down2_conv = self.down2_conv(block2_relu2)
    del block2_relu2
    down2_norm = self.down2_norm(down2_conv)
    del down2_conv
    down2_relu = self.down2_relu(down2_norm)
    del down2_norm
    pool = self.pool(down2_relu)
    del down2_relu
    flat = self.flat(pool)
    del pool
    classifier = self.classifier(flat)
    del flat
    criterion = self.criterion(classifier, label)
    return {"loss": criterion}


def forward_predict(self, image):
    """The predict mode of fashion_mnist."""
    stem_conv = self.stem_conv(image)
    stem_norm = self.stem_norm(stem_conv)
    del stem_conv
    stem_relu = self.stem_relu(stem_norm)
    del stem_norm
    stem_pool = self.stem_pool(stem_relu)
    del stem_relu
    block1_conv1 = self.block1_conv1(stem_pool)
    block1_norm1 = self.block1_norm1(block1_conv1)
    del block1_conv1
    block1_relu1 = self.block1_relu1(block1_norm1)
    del block1_norm1
    block1_conv2 = self.block1_conv2(block1_relu1)
    del block1_relu1
    block1_norm2 = self.block1_norm2(block1_conv2)
    del block1_conv2
    block1_add = self.block1_add(block1_norm2, stem_pool)
    del stem_pool, block1_norm2
    block1_relu2 = self.block1_relu2(block1_add)
    del block1_add
    down1_conv = self.down1_conv(block1_relu2)
    del block1_relu2
    down1_norm = self.down1_norm(down1_conv)
    del down1_conv
    down1_relu = self.down1_relu(down1_norm)
    del down1_norm
    down1_pool = self.down1_pool(down1_relu)
    del down1_relu
    block2_conv1 = self.block2_conv1(down1_pool)
    block2_norm1 = self.block2_norm1(block2_conv1)
    del block2_conv1
    block2_relu1 = self.block2_relu1(block2_norm1)
    del block2_norm1
    block2_conv2 = self.block2_conv2(block2_relu1)
    del block2_relu1
    block2_norm2 = self.block2_norm2(block2_conv2)
    del block2_conv2
    block2_add = self.block2_add(block2_norm2, down1_pool)
    del down1_pool, block2_norm2
    block2_relu2 = self.block2_relu2(block2_add)
    del block2_add
    down2_conv = self.down2_conv(block2_relu2)
    del block2_relu2
    down2_norm = self.down2_norm(down2_conv)
    del down2_conv
    down2_relu = self.down2_relu(down2_norm)
    del down2_norm
    pool = self.pool(down2_relu)
    del down2_relu
    flat = self.flat(pool)
    del pool
    classifier = self.classifier(flat)
    del flat
    answer = self.answer(classifier)
    return {"scores": answer.scores, "labels": answer.labels}
