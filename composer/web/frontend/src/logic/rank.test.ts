import { describe, expect, test } from "vitest";
import { misspelt, rank } from "./rank";

const entry = (name: string, kind = "layers", text = "") => ({ name, kind, text });
const ENTRIES = [
  entry("AvgPool2d", "layers", "Average pooling over windows."),
  entry("GlobalAveragePooling", "necks", "Mean over height and width."),
  entry("ResNet", "backbones", "Residual network."),
  entry("ResNet_CIFAR", "backbones", "Residual network for small images."),
  entry("CrossEntropyLoss", "losses", "Between logits and labels."),
];
const names = (query: string) => rank(query, ENTRIES).map(({ name }) => name);

describe("names, kinds and texts", () => {
  test.each([
    ["resnet", "ResNet"],
    ["cifar", "ResNet_CIFAR"],
    ["gap", "GlobalAveragePooling"],
    ["cel", "CrossEntropyLoss"],
    ["pool glob", "GlobalAveragePooling"],
    ["labels", "CrossEntropyLoss"],
    ["crsentr", "CrossEntropyLoss"],
  ])("%s finds %s first", (query, name) => expect(names(query)[0]).toBe(name));

  test("a kind finds its members", () => expect(names("backbones")).toEqual(["ResNet", "ResNet_CIFAR"]));
  test("every word has to fit", () => expect(names("resnet loss")).toEqual([]));
  test("an end is found as it is written", () => {
    const ends = ["feature ← image", "feature ← backbone.out", "feature ← backbone.out[-1]"].map((name) =>
      entry(name, ""),
    );
    expect(rank("backbone.out[-1]", ends)[0]?.name).toBe("feature ← backbone.out[-1]");
    expect(rank("backbone.out", ends).map(({ name }) => name)).toEqual([
      "feature ← backbone.out",
      "feature ← backbone.out[-1]",
    ]);
  });
  test("no words leave everything in its order", () => expect(rank(" ", ENTRIES)).toBe(ENTRIES));
});

test.each([
  ["softmax", "sofmax", "whole"],
  ["softmax", "sotfmax", "whole"],
  ["softmax", "softmaxx", "whole"],
  ["softmax", "doftmax", "whole"],
  ["softmax", "softmax", "none"],
  ["batchnorm2d", "batchnrom", "start"],
  ["softmax", "sifhmax", "none"],
  ["relu", "elu", "none"],
] as const)("of %s, %s is one letter away: %s", (right, typed, typo) => expect(misspelt(typed, right)).toBe(typo));

/** The components that come with composer, read from their files: name, kind, first line, keywords. */
const SOURCES = import.meta.glob<string>(["../../../../../components/*/*.py", "!**/components/shared/*.py"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const KEYWORDS = /^ *Keywords: (.*?)\.(?=\n\s*\n|\s*(?![\s\S]))/ms;
const CATALOG = Object.entries(SOURCES).flatMap(([path, source]) => {
  const listed = /^__all__ = \[(.*?)\]/ms.exec(source)?.[1] ?? "";
  return [...source.matchAll(/^class ([A-Z]\w*)\(.*?\):\n {4}"""(.*?)"""/gms)]
    .filter(([, name]) => listed.includes(`"${name}"`))
    .map(([, name = "", doc = ""]) => ({
      name,
      kind: path.split("/").at(-2) ?? "",
      text: doc.replace(KEYWORDS, ""),
      keywords: (KEYWORDS.exec(doc)?.[1] ?? "").split(/,\s*/).filter(Boolean),
    }));
});

/** What is typed, and what has to be among the first five (the first two where it is marked with !). */
const TYPED: Record<string, string> = {
  Add: "skip! | skip connection! | residual! | residual connection | shortcut! | elementwise sum | plus | torch.add! | +! | keras.layers.Add!",
  AdaptiveAvgPool2d: "nn.AdaptiveAvgPool2d! | adaptive pooling! | F.adaptive_avg_pool2d! | adaptive pool",
  AnchorGenerator: "anchors! | anchor boxes! | prior boxes! | anchor! | anchr",
  AnchorBoxPrediction: "nms | batched_nms | multiclass nms | non maximum suppression",
  AvgPool2d: "average pooling | AveragePooling2D! | F.avg_pool2d! | avg pool! | avgpool | mean pooling | pool",
  BatchNorm2d:
    "batch! | bn! | batchnorm! | batch norm! | BatchNormalization! | batch normalization! | norm! | batchnrom | syncbn! | nn.BatchNorm2d!",
  ClassPrediction:
    "argmax! | torch.argmax! | softmax | predict! | prediction! | top1 | probabilities | predicted class!",
  ClassToken: "cls token! | class token!",
  Concat: "cat! | torch.cat! | concatenate! | concat! | Concatenate! | join! | tf.concat! | concatt",
  ContrastiveHead: "contrastive! | infonce! | nt-xent! | contrastive loss! | simclr | contrastiv",
  Conv2d:
    "conv! | convolution! | conv 3x3! | conv3x3! | 3x3 conv! | conv 1x1! | Conv2D! | nn.Conv2d! | conv layer! | F.conv2d! | convoltion! | depthwise! | dilated convolution! | kernel!",
  ConvTranspose2d: "deconv! | transposed convolution! | Conv2DTranspose! | deconvolution! | conv transpose!",
  CosineSimilarityLoss: "cosine loss! | F.cosine_similarity! | cosine embedding loss!",
  CrossEntropyLoss:
    "bce! | cross entropy! | cross_entropy! | ce! | nn.CrossEntropyLoss! | F.cross_entropy! | BCEWithLogitsLoss! | categorical_crossentropy! | nll loss! | log loss! | loss! | crossentropy | binary cross entropy! | softmax loss! | sparse_categorical_crossentropy!",
  Detach: "stop gradient! | detach! | stop_grad! | no grad!",
  DropPath: "stochastic depth! | drop path! | droppath! | drop_path!",
  Dropout: "dropout! | nn.Dropout! | drop! | dropuot! | F.dropout! | dropout 0.5! | regularization!",
  Embedding: "embedding! | nn.Embedding! | lookup table! | embed! | embeding!",
  Flatten: "flatten! | view | torch.flatten! | x.flatten(1)! | nn.Flatten! | flaten!",
  FocalLoss: "focal! | focal loss! | sigmoid_focal_loss! | class imbalance!",
  FPN: "fpn! | feature pyramid! | pyramid",
  FCNMaskHead: "mask head! | instance segmentation! | mask rcnn",
  GELU: "gelu! | activation | F.gelu!",
  GIoULoss: "giou! | iou loss! | box loss | generalized iou!",
  GlobalAveragePooling:
    "gap! | global average pooling! | GlobalAveragePooling2D! | global pool! | avgpool | adaptive_avg_pool2d | pool! | average pooling",
  GroupNorm: "group norm! | gn! | GroupNormalization!",
  Identity: "noop! | pass through! | nn.Identity!",
  InstanceNorm2d: "instance norm! | instance normalization!",
  L1Loss: "l1! | mae loss! | mean absolute error! | nn.L1Loss! | F.l1_loss!",
  LabelSmoothLoss: "label smoothing! | LabelSmoothingCrossEntropy! | smoothing!",
  LatentPredictHead: "byol! | simsiam! | predictor! | ema",
  LayerNorm: "layer norm! | layernorm! | ln! | LayerNormalization! | F.layer_norm! | norm",
  LeakyReLU: "leaky relu! | leaky! | LeakyReLU! | F.leaky_relu! | lrelu!",
  Linear:
    "fc! | dense! | fully connected! | nn.Linear! | linear! | Dense! | F.linear! | mlp | linear layer! | linaer! | linear 128!",
  LinearClsHead:
    "classifier! | classification head! | cls head! | fc | linear probe! | head! | clasifier! | softmax classifier!",
  LossSum: "total loss! | sum of losses! | add losses!",
  MaxPool2d:
    "max pool! | maxpool! | MaxPooling2D! | F.max_pool2d! | pool! | pooling! | downsample | nn.MaxPool2d! | max pooling!",
  MaxIoUAssigner: "assigner! | matcher! | iou",
  Mean: "torch.mean! | mean! | reduce_mean! | gap | average",
  MobileNetV2: "mobilenet! | mobilenetv2_100! | inverted residual! | mobilenet v2! | mobile net",
  MultiheadAttention:
    "attention! | self attention! | MultiHeadAttention! | mha! | scaled_dot_product_attention! | cross attention | qkv! | atention!",
  Multiply: "mul! | torch.mul! | gate | elementwise product! | se! | hadamard!",
  NegativeQueue: "queue! | memory bank | moco!",
  NonLinearNeck: "projection head | projector! | mlp",
  Normalize: "l2! | F.normalize! | l2 norm! | unit vector!",
  OneHot: "one hot! | F.one_hot! | to_categorical!",
  PixelReconstructionLoss:
    "mse! | nn.MSELoss! | F.mse_loss! | mean squared error! | l2 loss! | l2 | reconstruction loss",
  PixelShuffle: "pixel shuffle! | depth to space! | subpixel!",
  Permute: "transpose | torch.transpose | permute! | swapaxes! | x.permute(0, 2, 3, 1)!",
  PositionEmbedding: "positional encoding! | pos_embed! | position embedding! | positional embedding!",
  RPNHead: "rpn! | region proposal network! | rpn head!",
  ReLU: "activation! | relu! | F.relu! | nn.ReLU(inplace=True)! | torch.nn.functional.relu! | rectified linear unit! | act! | nonlinearity! | rely | torch.relu!",
  Reshape: "view! | x.view! | torch.reshape! | reshape! | x.view(-1, 10)! | reshpae!",
  ResNet:
    "resnet! | resnet50! | resnet 50! | resnet-50! | resnet18! | resnet101! | resnet200! | torchvision.models.resnet50! | backbone! | ResNet152! | cnn! | resent! | timm resnet50! | residual network! | res net",
  RetinaHead: "retinanet! | one-stage detector! | retina! | detection head | dense detector!",
  RegionProposals: "proposals! | nms | rois",
  Resize: "interpolate | F.interpolate | resize! | upsample | bilinear",
  RoIBoxPrediction: "nms | faster rcnn | detections | multiclass_nms",
  Select: "index | pick | cls token",
  SiLU: "swish! | silu! | F.silu!",
  Sigmoid: "sigmoid! | torch.sigmoid! | logistic! | sigmod!",
  SingleRoIExtractor: "roi align! | roialign! | roi_align! | torchvision.ops.roi_align! | roi pool! | roi pooling!",
  Slice: "crop! | narrow! | slice!",
  SmoothL1Loss: "huber! | smooth l1! | F.smooth_l1_loss! | HuberLoss!",
  Softmax: "softmax! | F.softmax! | torch.softmax! | sofmax! | Softmax!",
  Split: "torch.split! | split!",
  Squeeze: "squeeze! | torch.squeeze! | remove axis!",
  Stack: "torch.stack! | stack!",
  StackedLinearClsHead: "mlp! | multilayer perceptron! | mlp head!",
  Subtract: "minus! | sub! | difference!",
  SwinTransformer:
    "swin! | swin_t! | swin tiny! | swin transformer! | shifted window! | swin_tiny_patch4_window7_224! | swin-b",
  TransformerEncoderLayer: "transformer | transformer encoder! | encoder layer! | ffn! | transformer block!",
  TransformerDecoderLayer: "decoder! | transformer decoder! | detr!",
  Unsqueeze: "unsqueeze! | expand_dims! | add axis!",
  Upsample: "upsample! | nn.Upsample! | upsampling | UpSampling2D! | F.interpolate | interpolate!",
  VisionTransformer:
    "vit! | vit-b/16! | vit_base_patch16_224! | deit! | vision transformer! | transformer | ViT-L! | timm vit!",
  ZeroPad2d: "pad! | padding! | F.pad! | ZeroPadding2D!",
};
const CASES = Object.entries(TYPED).flatMap(([name, queries]) =>
  queries.split(" | ").map((query) => ({ query: query.replace(/!$/, ""), name, most: query.endsWith("!") ? 2 : 5 })),
);

describe("what people type", () => {
  test("the components are read", () => expect(CATALOG.length).toBeGreaterThan(180));
  test.each(CASES)("$query finds $name among the first $most", ({ query, name, most }) => {
    const found = rank(query, CATALOG).map((one) => one.name);
    expect(found.slice(0, most)).toContain(name);
  });
  test.each(["mamba", "vgg16", "xyzzy", "qwerty net"])("%s finds nothing that is called so", (query) =>
    expect(rank(query, CATALOG).filter((one) => one.name.toLowerCase().includes(query))).toEqual([]),
  );
});
