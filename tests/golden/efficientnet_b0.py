def forward_tensor(self, image):
    """The tensor mode of efficientnet_b0."""
    classifier = self.classifier(image)
    return {"logits": classifier}


def forward_loss(self, image, label):
    """The loss mode of efficientnet_b0."""
    classifier = self.classifier(image)
    loss = self.loss(classifier, label)
    return {"loss": loss}


def forward_predict(self, image):
    """The predict mode of efficientnet_b0."""
    classifier = self.classifier(image)
    prediction = self.prediction(classifier)
    return {"scores": prediction.scores, "labels": prediction.labels}
