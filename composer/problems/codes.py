"""The table of all codes that a problem can have.

A new code is a row here. ``pytest tests/test_problems_page.py --write-golden`` writes the row into docs/problems.md,
and the tests try its example (tests/problem_examples.py).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

__all__ = ["CODES", "SECTIONS", "Code", "Severity"]

Severity = Literal["error", "warning", "notice"]


class Code(NamedTuple):
    """What a code means: a row of docs/problems.md.

    Args:
        when: When it is reported, in Markdown.
        example: The first line of a message, as composer writes it.
        fix: Whether a problem of this code comes with a fix.
        severity: The usual severity. Where it depends on the place (``no-preprocess``), that of the example.
        exit_code: With which a command ends that such an error stops: 1 where the graph is at fault, 2 where a file or
            an option is.
    """

    when: str
    example: str
    fix: Literal["yes", "often", "no"] = "no"
    severity: Severity = "error"
    exit_code: Literal[1, 2] = 1


SECTIONS: Mapping[str, Mapping[str, Code]] = {
    "Reading": {
        "bad-edit": Code(
            "The path of an edit leads to something without keys, beyond the end of a list, or nowhere. Also: an "
            "operation on the canvas is not possible; the text gives the reason.",
            "found the text 'tiny', which has no key 'first'; expected a mapping",
        ),
        "bad-mode": Code(
            "A key under `outputs`, or in a wire by mode, is not `tensor`, `loss` or `predict`. Also: `model(..., "
            "mode=...)` got an unknown mode.",
            "'predcit' is none of the modes; did you mean 'predict'?",
            fix="often",
            exit_code=2,
        ),
        "bad-preprocess": Code(
            "An unknown step, or a value that is not a size, a channel order, or one number per channel. Also when an "
            "image is prepared.",
            "found the text 'big'; expected [height, width] in pixels",
            fix="often",
        ),
        "bad-reference": Code(
            "A wire or output does not have the form `node`, `node.port` or `node.port[i]`. Also: a `GraphBuilder` "
            "got a handle of another graph.",
            "found the text 'neck/out'; expected a reference: node, node.port, node.port[i], or the name of an input",
        ),
        "bad-schema": Code(
            "`schema` is not a version number.", "found the text 'one'; expected a whole number from 1 to 1", fix="yes"
        ),
        "bad-structure": Code(
            "A part of the file has the wrong kind: a list for a mapping, a number for a text, `frozen: yes`, an "
            "unknown key under `weights`.",
            "found the number 1; expected the name of a class as text",
            fix="often",
        ),
        "duplicate-id": Code(
            "Two inputs, data samples or nodes of one level have the same name. Also: a `GraphBuilder` got a name "
            "twice.",
            "'image' is the name of an input and of a node: rename one of them",
        ),
        "duplicate-key": Code(
            "A mapping has the same key twice.",
            "the key 'neck' is here a second time; the first is on line 10: remove one",
        ),
        "empty-file": Code(
            "The file holds only blanks and comments.", "the file is empty: a graph file starts with 'schema: 1'"
        ),
        "future-schema": Code(
            "The file was written for a newer release. The rest of it is not checked.",
            "found schema 2, written by a newer release; this one reads up to schema 1: install a newer one (pip "
            "install --upgrade graph-composer)",
        ),
        "huge-number": Code(
            "A number has more than 600 characters.",
            "a number of 700 characters; at most 600 are allowed; write a number that fits, or put quotes around a "
            "text",
        ),
        "illegal-id": Code(
            "A name cannot be an id, because of its characters or its length, as a keyword of Python, or as an "
            "attribute of every model. Or it looks like another name. See [graph files](graph-files.md#names).",
            "'forward' cannot be the name of a node: it is the name of something that every model has: call it "
            "'forward_1'",
        ),
        "missing-schema": Code(
            "The key `schema` is missing.",
            "the document does not say which version of the format it is; this release writes 'schema: 1'",
            fix="yes",
        ),
        "multiple-documents": Code(
            "A second YAML document (`---`) starts.", "a second document starts here: a graph file holds one"
        ),
        "not-utf8": Code(
            "The file is not encoded in UTF-8, or is not text. Or a text holds half a character.",
            "the byte 0xe9 is not UTF-8 (as Latin-1 it is 'é'): save the file as UTF-8",
        ),
        "too-deep": Code("Collections are nested more than 64 deep.", "collections are nested more than 64 deep"),
        "too-large": Code(
            "The file has more than 2 MiB, or more than 300,000 keys, values and brackets. Also: writing a graph "
            "would create such a file.",
            "the file is too large: 2,097,943 bytes (2 MB); a graph file has at most 2,097,152 bytes (2 MB)",
        ),
        "yaml-alias": Code(
            "The file has an alias, `*name`.", "the alias '*eighteen' is not read: write out what it stands for"
        ),
        "yaml-anchor": Code(
            "The file has an anchor, `&name`.",
            "the anchor '&eighteen' is not read: write its value out where it is needed",
        ),
        "yaml-key": Code("A key is not a text.", "the key '18' is not a text: put quotes around it"),
        "yaml-merge-key": Code(
            "The file has a merge key, `<<:`.",
            "merge keys ('<<') are not read: write the keys out where they are needed",
        ),
        "yaml-syntax": Code(
            "The text is not YAML, or has characters that YAML does not allow.",
            "the text is not YAML: did not find expected ',' or '}', while parsing a flow mapping that starts on line "
            "9",
        ),
        "yaml-tag": Code(
            "The file has `!tag`, `!!type` or many `%TAG` lines.",
            "the tag '!!python/object:os.system' is not read: a graph file holds plain data only",
        ),
    },
    "Rules": {
        "ambiguous-output": Code(
            "A reference names only a node, and the node has several outputs.",
            "'ClassPrediction' has several outputs; expected one of prediction.scores, prediction.labels",
            fix="often",
        ),
        "bad-index": Code(
            "`[i]` follows something that is not a sequence of levels.",
            "neck.out is an Embedding: no sequence of levels, so [0] picks nothing",
            fix="often",
        ),
        "bad-parameter": Code(
            "A value has the wrong type, is out of bounds, or is not one of the choices. In a subgraph the text says "
            "where the value is used.",
            'found "2", expected an integer',
            fix="often",
        ),
        "bad-shape": Code(
            "A size of an input is not between 1 and 2,147,483,648.",
            "axis 0 has the size -1; expected a number from 1 to 2,147,483,648 or a name",
            fix="often",
        ),
        "class-names": Code(
            "The number of classes in predict mode differs from the number of names in `classes`. The fix sets it "
            "everywhere: in the head, in targets.",
            "the graph's classes name 2 classes, predict mode scores 3: labels from 2 on have no name",
            fix="often",
            severity="warning",
        ),
        "cycle": Code(
            "Nodes feed each other in a cycle. One problem per cycle.",
            "neck -> head -> neck: these nodes feed each other in a cycle, so none can run first",
            fix="yes",
        ),
        "empty-bypass": Code(
            "A bypassed node is read, but has no input that could take its place.",
            "it is bypassed, but nothing flows into it that could take its place; expected a wire into it",
            fix="yes",
        ),
        "loss-type": Code(
            "An output of loss mode has a type that is not a scalar.",
            "map carries Logits; loss mode gives scalars (Loss or Scalar), which training sums or logs",
            severity="warning",
        ),
        "missing-input": Code(
            "A required input has no wire in a mode that runs the node. Also: `model(...)` was called without an "
            "input.",
            "loss needs a wire into 'target' (AnyTensor)",
            fix="often",
            exit_code=2,
        ),
        "missing-parameter": Code(
            "A required parameter is not given, and cannot be taken from a wire.",
            "'LinearClsHead' needs the parameter 'num_classes'",
        ),
        "missing-type": Code(
            "A node has no `type`, no `graph`, and no weights of another node.",
            "it has no type; expected a type, a graph, or weights that come from another node",
        ),
        "no-output": Code(
            "A graph or subgraph has no outputs. Also: the model is called in a mode without outputs.",
            "the graph has no outputs; expected outputs for at least one of the modes tensor, loss and predict",
            fix="often",
        ),
        "no-shape": Code(
            "An input declares no sizes, and its type has no usual ones. The sizes behind it are unknown, and no "
            "example can be made.",
            "it declares no shape, so no sizes are known behind it and no example of it can be made; expected one "
            "such as [B, 16]",
            fix="often",
            severity="warning",
        ),
        "not-annotated": Code(
            "A class without annotations is used. It works; reported once for each class.",
            "Mine has no annotations (of forward input 'x', the return), so its ports take any tensor and its "
            'parameters any value; types of composer.ports with axes, as in Annotated[FeatureMap, "B in_channels H '
            'W"], check wires and sizes, take in_channels from the wire, and let the editor offer what fits',
            severity="warning",
        ),
        "not-wired": Code(
            "A node has no wires, and no other node uses its weights. Missing inputs and parameters are reported once "
            "it is wired.",
            "no wire enters or leaves it yet, so no mode runs it",
            severity="notice",
        ),
        "preprocess-channels": Code(
            "`preprocess` produces another number of channels than the input takes. Without image files, for training "
            "on tensors, `preprocess` is not needed.",
            "preprocess makes 1 channel (gray), the input takes 3 channels",
            fix="often",
        ),
        "recursive-subgraph": Code(
            "A subgraph contains itself, at any depth.", "block -> block: a subgraph cannot hold itself"
        ),
        "too-deep-nesting": Code(
            "Subgraphs are nested deeper than `Limits.nesting`.",
            "subgraphs hold subgraphs 34 deep, at most 32 are accepted",
        ),
        "too-many-layers": Code(
            "Parameters declare more layers than `Limits.layers`, or a node has more than `Limits.modules`. Also: "
            "building a node exceeds that number.",
            "the graph declares 6 layers, at most 3 are accepted",
        ),
        "too-many-nodes": Code(
            "With all subgraphs expanded, the graph has more nodes than `Limits.nodes`.",
            "the graph has 2,097,157 nodes when every subgraph is expanded, at most 100,000 are accepted",
        ),
        "too-many-wires": Code(
            "A port that takes one wire got a list of wires.",
            "got a list of 2 wires, head.feature takes one",
            fix="often",
        ),
        "two-types": Code(
            "A node has both `type` and `graph`.",
            "it has the type ClassPrediction and the graph answer; expected one of them",
            fix="yes",
        ),
        "unknown-key": Code(
            "The graph, a subgraph, an input or a node has an unknown key.",
            "the graph has no key 'nmae'; did you mean 'name'?",
            fix="yes",
        ),
        "unknown-node": Code(
            "A wire or output names a node or input that does not exist.",
            "there is no node or input 'nekc'; did you mean 'neck' or 'neck_k'?",
            fix="often",
        ),
        "unknown-parameter": Code(
            "A component or subgraph has no such parameter, or `$name` is not a parameter of the subgraph.",
            "'ResNet' has no parameter 'depht'; did you mean 'depth'?",
            fix="often",
        ),
        "unknown-port": Code(
            "A node has no such input or output, or a reference to an input of the graph names a port.",
            "'ClassPrediction' has no output 'score'; did you mean 'scores'?",
            fix="often",
        ),
        "unknown-port-type": Code(
            "The `type` of an input is not a port type.",
            "there is no port type 'Labels'; did you mean 'Label' or 'BoxLabels' or 'Levels'?",
            fix="often",
        ),
        "unknown-subgraph": Code(
            "`graph` names a subgraph that is not in `graphs`.",
            "there is no subgraph 'answer'; there are no subgraphs",
            fix="often",
        ),
        "unknown-type": Code(
            "The catalog has no component of this name. The node is kept unchanged.",
            "there is no type 'GlobalAvgPooling' in the catalog; did you mean 'GlobalAveragePooling'?",
            fix="often",
        ),
        "unknown-weights": Code(
            "`share` or `momentum` names a node that does not exist.",
            "there is no node 'nekc' to follow; did you mean 'neck' or 'neck_k'?",
            fix="often",
        ),
        "unreachable-node": Code(
            "No output of any mode depends on the node.",
            "no output of any mode needs this node",
            fix="often",
            severity="warning",
        ),
        "unused-input": Code(
            "An input or a field of the data samples is not used.",
            "nothing reads this input",
            fix="yes",
            severity="notice",
        ),
        "weights-momentum": Code(
            "`decay` is not in [0, 1], or a momentum copy follows another momentum copy.",
            "decay is 1.5, expected a number from 0 to 1",
            fix="yes",
        ),
        "weights-frozen": Code(
            "A node that shares weights is frozen, but their owner is not.",
            "neck_k shares the weights of neck, which is trained; freezing is said where the weights are",
            fix="yes",
        ),
        "weights-params": Code(
            "A node with weights of another node sets a parameter to a different value.",
            "dim is 1, in neck, where the weights come from, it is 2",
            fix="yes",
        ),
        "weights-cycle": Code(
            "Nodes take their weights from each other in a cycle.",
            "neck_k -> neck_k: weights come from each other in a cycle; expected one node with its own",
            fix="often",
        ),
        "weights-type": Code(
            "A node with weights of another node has a different type or subgraph.",
            "neck_k is of the type ReLU, its weights come from neck of the type GlobalAveragePooling",
            fix="yes",
        ),
        "wrong-type": Code(
            "A port got a type that it does not accept.",
            "got Pyramid from backbone.out, neck.feature takes FeatureMap",
            fix="often",
        ),
    },
    "Sizes": {
        "cannot-build": Code(
            "The component refuses its parameters.",
            "ResNet(depth=18, strides=[1, 2]) cannot be built: ValueError: found 2 strides (1, 2), expected 4: give "
            "one a stage, or set num_stages",
        ),
        "forward-failed": Code(
            "The component cannot run on its input sizes.",
            "Conv2d(out_channels=4, kernel_size=9) cannot run on input B 3 8 8: RuntimeError: Calculated padded input "
            "size per channel: (8 x 8). Kernel size: (9 x 9). Kernel size can't be greater than actual input size",
        ),
        "index-out-of-range": Code(
            "A reference selects a level that the sequence does not have.",
            "backbone.out has 1 level (0), found index 3",
            fix="often",
        ),
        "loss-not-scalar": Code(
            "An output of loss mode is not a single number.",
            "a loss is a scalar, loss.out has the sizes B; reduce it, for example by Mean",
        ),
        "shape-mismatch": Code(
            "A size on a wire differs from the size that the port declares, or one axis has two sizes at one node.",
            "axis 1 (in_channels): got 512 from neck.out (B 512), head.feature expects 256",
            fix="often",
        ),
        "too-many-parameters": Code(
            "The weights and buffers of the graph need more bytes than `Limits.parameter_bytes`.",
            "it declares at least 1,907,348.6 GiB of parameters, the limit is 64.0 GiB; a caller can raise it: "
            "Limits(parameter_bytes=...)",
        ),
        "wrong-axes": Code(
            "A fault of the component: its output does not have the declared axes.",
            "the component's declared axes are not true: axis 2 (H): got 4 from forward (B 3 4 8), part.out expects 8 "
            "as on x",
        ),
    },
    "Weights": {
        "bad-weights-file": Code(
            "The file is damaged, or holds something other than tensors by name.",
            "it cannot be read: Error while deserializing header: header too large",
            exit_code=2,
        ),
        "no-graph": Code(
            "A safetensors file is opened alone, and contains no graph.",
            "it holds weights but no graph; load the graph's own file and give this one as weights=",
            exit_code=2,
        ),
        "pickle-refused": Code(
            "The file is not a safetensors file, and `allow_pickle=True` was not given.",
            "this is not a safetensors file; a torch file is a pickle, which is refused unless the caller says "
            "allow_pickle=True (it is then read with weights_only=True)",
            exit_code=2,
        ),
        "weights-dtype": Code(
            "The weights have another dtype than the model.",
            "2 entries have another dtype: part.weight is torch.float16 in the file, torch.float32 in the model; say "
            "which to use: dtype=torch.float32 converts the weights, dtype=torch.float16 the model",
            exit_code=2,
        ),
        "weights-mismatch": Code(
            "Names or shapes differ. A table per node follows the first line.",
            "the weights do not fit the graph",
            exit_code=2,
        ),
    },
    "Running": {
        "bad-clusters": Code(
            "`composer.training.assign_clusters` got clusters that the model cannot use.",
            "no part of the model takes clusters (new_clusters): is this the right graph?",
        ),
        "bad-field": Code(
            "`data_samples`, or one of its fields, has the wrong kind: one tensor in place of a list with one per "
            "image, or the reverse.",
            "found a tensor (2), expected a mapping {'label': ...} of batched fields, or a list with one mapping a "
            "sample",
        ),
        "bad-input": Code(
            "`inputs` has the wrong kind or an unknown name. Or an input or field has other axes or sizes than "
            "declared, other numbers than the weights (integers, another dtype, another device), no samples to learn "
            "from, or a number of samples that differs from what belongs to it.",
            "found int, expected a tensor, a list in the order of the graph's inputs, or a mapping",
        ),
        "bad-value": Code(
            "A node cannot accept a value: a label that is not a class, an index outside a memory, a size that does "
            "not fit. Also, when sizes are inferred: a kind of value that it can never accept, such as class indices "
            "for one logit.",
            "found label 99, expected 0 to 1: set num_classes of the head, or mend it",
            fix="often",
        ),
        "missing-field": Code(
            "`data_samples` lacks a field that the mode needs.",
            "data_samples has no 'label', which loss.target needs in loss mode; it has nothing",
            exit_code=2,
        ),
        "no-example": Code(
            "`export` or `summary --depth` needs an example input, and none can be made.",
            "no example of the type Detections can be made; give it a type of one tensor and a shape",
            exit_code=2,
        ),
        "unknown-module": Code(
            "`metadata.training.fixed_learning_rate` names a module that the model lacks or that has no trained "
            "parameters.",
            "metadata.training.fixed_learning_rate names 'head.predictor', where nothing is trained",
        ),
        "too-many-inputs": Code(
            "A sequence of inputs is longer than the inputs of the graph.", "got 2 inputs, the graph has 1: image"
        ),
    },
    "Files, images and components": {
        "bad-component": Code(
            "A class in `__all__` of a file is not a component.", "Mine is not a class derived from torch.nn.Module"
        ),
        "bad-image": Code(
            "The file is not an image or is damaged, or an array has the wrong kind.",
            "this is not an image that can be read; expected one of AVIF, BMP, GIF, JPEG, JPEG2000, PNG, PPM, TIFF, "
            "WEBP",
            exit_code=2,
        ),
        "cannot-import": Code(
            "A module or a `.pt2` file cannot become a graph. Nothing of a file is run.",
            "running it on the example failed: RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x2)",
        ),
        "cannot-read": Code(
            "The graph file exists but cannot be read.", "this is a folder; expected a graph file", exit_code=2
        ),
        "cannot-write": Code(
            "The file cannot be written. The existing content is unchanged.",
            "this is a folder; expected the name of a file",
            exit_code=2,
        ),
        "component-file": Code(
            "A file of components cannot be imported, or has no `__all__`.",
            "it has no __all__: list the component classes in it, as in __all__ = ['MyNeck']",
        ),
        "duplicate-component": Code(
            "Two classes of one catalog have the same name.",
            "my_parts and components.backbones.resnet both have a component of this name; type names are unique in a "
            "catalog: rename one, its class and its entry in __all__, as MyResNet",
        ),
        "hub-refused": Code(
            "A model cannot be pushed to the Hugging Face hub or fetched from it, or the address names no repository.",
            "found 'hf://resnet', expected a repository of the hub: OWNER/NAME, or OWNER/NAME@REVISION",
            exit_code=2,
        ),
        "imported": Code(
            "What became of a `.pt2` file that was opened in the browser.",
            "1 calls became 1 nodes, outputs differ by at most 0.0e+00 of the largest in evaluation; the file fixes "
            "the batch to 2: the graph takes any",
            severity="notice",
        ),
        "image-size": Code(
            "A prepared image does not have the size of the input, or images of one batch differ in size.",
            "it is 8 x 8 pixels (height x width) after preprocessing, input 'image' expects B 3 64 64",
            fix="often",
            exit_code=2,
        ),
        "image-too-large": Code(
            "An image has more than 89,478,485 pixels, as it is or resized.",
            "it declares more than the 89,478,485 pixels that are accepted; make it smaller first",
            exit_code=2,
        ),
        "lost-in-evaluation": Code(
            "A `.pt2` file was exported in evaluation, so stochastic depth or dropout left no trace in it: the graph "
            "trains otherwise than the module did.",
            "the program was exported in evaluation, in which drop_path did nothing: what they do in training is "
            "lost. Export in training mode (net.train()) to keep it",
            severity="warning",
        ),
        "no-file": Code(
            "A graph file, image, weights file or data set does not exist.",
            "there is no such file of weights",
            exit_code=2,
        ),
        "no-folder": Code("The folder of components does not exist.", "there is no such folder of components"),
        "no-part": Code(
            "The catalog has no part for an operation of a `.pt2` file, which became a placeholder.",
            "aten.cumprod.default: there is no part for aten.cumprod.default",
            severity="warning",
        ),
        "no-preprocess": Code(
            "An image is given to an input without `preprocess`. `composer check` and the editor report it earlier "
            "(as a notice).",
            "input 'image' does not say how an image becomes a tensor; expected preprocess beside its shape, with the "
            "sizes, mean and std (0-255) that the weights were trained with",
            fix="yes",
        ),
        "not-the-same": Code(
            "The graph of a module or file gives other results than the module or file. Nothing is written.",
            "the graph is not the same function: in training output 'out' differs by 1.0e+00 of its largest number; "
            "from_module(..., train=False) compares evaluation alone",
        ),
        "unknown-input": Code(
            "The input for an image does not exist.", "the graph has no input 'img'; did you mean 'image'?", exit_code=2
        ),
        "which-input": Code(
            "No input is named for an image, and there is not exactly one candidate.",
            "say which input the image is for; the graph has 2 inputs that take images: image, view_2",
            exit_code=2,
        ),
    },
    "Export": {
        "export-differs": Code(
            "The exported model was loaded again, and its results differ from those of the model.",
            "what was exported to onnx gives other numbers than the model: the largest difference is 0.002, allowed "
            "is 1e-05; nothing was written",
        ),
        "export-failed": Code(
            "torch, the ONNX exporter or OpenVINO cannot express a node.",
            "torch.export cannot export this mode with a batch of any size: ...",
        ),
        "export-not-static": Code(
            "An input or output is a list or a record. ONNX and archives of torch.export hold tensors only.",
            "it holds one entry an image, and only a fixed number of tensors goes into such a file: export another "
            "mode, or --to python",
        ),
        "export-source": Code(
            "The source of a component cannot be extracted from its file.", "no stand-alone file: ..."
        ),
        "no-onnx": Code(
            "The extra packages for ONNX are not installed.",
            "onnxruntime, onnxscript or onnx is missing: pip install 'graph-composer[onnx]'",
            exit_code=2,
        ),
        "no-openvino": Code(
            "The extra package for OpenVINO is not installed.",
            "openvino is missing: pip install 'graph-composer[openvino]'",
            exit_code=2,
        ),
        "unknown-format": Code("The format does not exist.", "found 'onxn'; did you mean 'onnx'?"),
    },
    "Training": {
        "accumulated": Code(
            "A step is computed in parts, and some of the model does not see the whole batch.",
            "batch normalisations (20, such as backbone.bn1) count over each part of 4 samples, not over the whole "
            "batch of 8",
            severity="warning",
        ),
        "bad-checkpoint": Code(
            "A checkpoint is damaged, or is one of another graph.",
            "this is no whole checkpoint: files are missing or cut off",
        ),
        "bad-data": Code(
            "Samples or their annotations are broken, or do not fit each other.",
            "found float64 [2, 8, 8], expected uint8 [N, H, W], [N, H, W, 1] or [N, H, W, 3]",
        ),
        "bad-recipe": Code(
            "The file is no recipe.", "found [1], expected a recipe: keys such as graph, data and epochs"
        ),
        "data-channels": Code(
            "Images become gray, or gray images get three channels, for an input.",
            "images with colours become gray for this input ('channels: gray')",
            severity="notice",
        ),
        "data-classes": Code(
            "The classes of the data are not those of the graph, or not as many as it distinguishes.",
            "the data has 3 classes (cat, dog, cow), and head.num_classes is 2",
            fix="often",
        ),
        "data-column": Code(
            "An input or a field of the data samples has no column in the data, or several.",
            "'label' takes Label [B], and no column of the data holds that: found image (Image); labels come with one "
            "folder a class, or with a column of a CSV file",
        ),
        "data-empty-class": Code("A class has no samples.", "1 class has no samples: cat", severity="warning"),
        "data-equal": Code(
            "An image is there twice: in both splits, or in one.",
            "1 image of val lies in train, too, equal to the byte: cat/2.png = dog/copy.png; what is measured on them "
            "is too good",
            severity="warning",
        ),
        "data-format": Code(
            "The format of data is not known, or it is not clear which of several splits is meant.",
            "'foldr' is no format; did you mean 'folder'?",
        ),
        "data-left-out": Code(
            "Files of a data set were left out, since they are no images.",
            "1 file is no image and was left out: notes.txt",
            severity="notice",
        ),
        "data-samples": Code(
            "A memory has an entry for each sample, of another number of samples, or there are fewer samples than "
            "clusters.",
            "it remembers 1,281,167 samples, and the data has 4: every sample has a place in it",
            fix="often",
        ),
        "dead-worker": Code(
            "A process that reads images ended before its time.",
            "one of the 2 processes that read images ended: DataLoader worker (pid(s) 12) exited unexpectedly. Mostly "
            "memory ran out, or shared memory (/dev/shm); expected fewer workers, or workers: 0",
        ),
        "loss-not-finite": Code(
            "The loss became NaN or infinite. The first node that gives such numbers is named.",
            "the loss of step 3 is no finite number; 'image' of sample 'sample 13' holds numbers that are not finite",
        ),
        "no-loss": Code(
            "Loss mode has no output that is called a loss.", "loss mode gives error: none of them is called a loss"
        ),
        "no-metric": Code(
            "A metric needs what the graph or the data lacks.", "'knn' needs labels, and the data has the columns image"
        ),
        "no-package": Code(
            "A package that is an extra is missing.",
            "average precision is counted by faster-coco-eval, which is missing: pip install "
            "'graph-composer[detection]'",
            exit_code=2,
        ),
        "no-run": Code("A folder is not one of a run.", "there is no such run", exit_code=2),
        "policy-frozen": Code(
            "A policy sets how something trains that is frozen for good.",
            "'backbone' is frozen for good, so lr would change nothing",
            fix="yes",
        ),
        "policy-path": Code(
            "The path of a policy names nothing that can be trained so: no node, a node without weights, shared "
            "weights, a momentum copy.",
            "no node and no part of one is called 'backbon'; did you mean 'backbone'?",
            fix="often",
        ),
        "process-failed": Code(
            "Another process of the training found something wrong.", "it ended the training: 1 problem"
        ),
        "data-objects": Code(
            "Annotations of objects are doubtful: boxes without area or outside the image, objects without a mask.",
            "boxes have no area and were left out (1): annotation 1",
            severity="warning",
        ),
        "no-lightning": Code(
            "A graph cannot be trained by a Lightning module.",
            "this graph clusters all samples while it trains, which is no matter of a Lightning module: train it with "
            "composer train",
        ),
        "recipe-key": Code(
            "A recipe has a key that does not exist.",
            "'epoch' is no key of a recipe; did you mean 'epochs'?",
            fix="often",
        ),
        "recipe-missing": Code(
            "A key that a recipe needs is missing.", "'data' is missing: where the samples are, {train: {path: FOLDER}}"
        ),
        "recipe-schema": Code(
            "The recipe has another version of the format.", "found version 2, this release reads version 1"
        ),
        "recipe-value": Code(
            "A value of a recipe is not what its key takes.",
            "found \"5 eons\", expected a stretch of the training: '5 epochs', '500 steps' or '10%'",
        ),
        "run-busy": Code(
            "Another process writes the run.",
            "another process writes this run: stop it first, or watch it with 'composer runs'",
            exit_code=2,
        ),
        "run-changed": Code(
            "A run is resumed with another graph or other data than it began with.",
            "graph is not what the run began with: a new run is needed for it",
        ),
        "run-elsewhere": Code(
            "A run is to be stopped whose process cannot be reached from here.",
            "it runs on node17: send SIGTERM to its process 4711 there",
            exit_code=2,
        ),
        "run-exists": Code(
            "A run begins in a folder that holds something.",
            "the folder holds something; a run begins in a new one",
            fix="often",
            exit_code=2,
        ),
        "state-outside": Code(
            "A component holds tensors that change where no checkpoint takes them.",
            "'seen' of Keeper holds tensors that change, in a list that no checkpoint takes: make them buffers "
            "(register_buffer)",
        ),
        "step-failed": Code(
            "A step failed for a reason that is none of the others.",
            "step 0 failed: RuntimeError: the wires are too long",
        ),
        "unreached-weights": Code(
            "With several processes: no loss depends on weights that are trained.",
            "2 weights are trained but no loss depends on them, such as spare.weight; several processes would wait "
            "for their gradients: freeze the node, or wire it to a loss",
        ),
    },
    "OpenMMLab": {
        "beside-the-weights": Code(
            "A checkpoint holds what is no part of a model, such as the state of its optimizer.",
            "left out, since it is no part of a model: meta",
            severity="warning",
        ),
        "config-beside-model": Code(
            "`train_cfg` or `test_cfg` stands beside the model and in it, with other settings.",
            "test_cfg stands beside the model and, with other settings, in it: that in the model is read",
            severity="warning",
        ),
        "config-custom-imports": Code(
            "A config imports modules of its own, which are not run.",
            "custom_imports is not followed, so what it defines is unknown here: ['my_models']",
            severity="warning",
        ),
        "config-cycle": Code(
            "A config inherits from itself.", "the file inherits from itself: .../config.py -> .../config.py"
        ),
        "config-deprecated": Code(
            "A config says that another one takes its place.",
            "the file is deprecated: {'expected': 'new.py'}",
            severity="warning",
        ),
        "config-duplicate-key": Code(
            "Two bases of a config have the same key.",
            "x stands in more than one base; the last is two.py: take it out of one",
        ),
        "config-elsewhere": Code(
            "A base of a config lies in a package whose folder is not known, or did not come with an uploaded config.",
            "mmdet::_base_/models/retinanet.py lies among the configs of the package mmdet, and it is not known where "
            "these are: name their folder (composer import --configs mmdet=FOLDER), or copy the file and name its path",
        ),
        "config-environment": Code(
            "A config reads the environment. Its default stands in its place.",
            "the environment variable DATA is not read: its default 'data' is used",
            severity="warning",
        ),
        "config-format": Code(
            "The name of a config that is read does not end in `.py`, `.json`, `.yaml` or `.yml`, or of one that is "
            "written in `.py` or `.json`.",
            ".../base.toml is none of .py, .json, .yaml and .yml",
        ),
        "config-imported-value": Code(
            "An imported name is used as a value. The value is not known.",
            "lab.CLASSES is imported: only its name is known, and it stands as the text 'lab.CLASSES'",
            severity="warning",
        ),
        "config-main-block": Code(
            "A config has code under `if __name__ == '__main__'`, which is skipped.",
            "what stands under if __name__ == '__main__' is not read: it is no part of the config",
            severity="warning",
        ),
        "config-merge": Code(
            "A value of a config cannot be merged with that of its base.",
            "items is a dict here and list in a base: set _delete_=True in it to replace the base's",
        ),
        "config-no-model": Code(
            "A config has no dict `model`.", "the config has no dict named model; did you mean 'modle'?"
        ),
        "config-not-data": Code(
            "A part of a config is not data. See [what is read](openmmlab.md#how-configs-are-read).",
            "the call of open() is not followed: a config is read as data and never run",
        ),
        "config-replaced-model": Code(
            "A config assigns a `model` without a type after `with read_base()`, which takes the place of the base's.",
            "this takes the place of the whole model that 'with read_base()' brings in, as in mmengine, and has no "
            "type: write model.update(dict(...)) to change what it says",
        ),
        "config-syntax": Code(
            "The text of a config is not Python, or not JSON.", "this is not Python: '(' was never closed"
        ),
        "config-too-large": Code(
            "A config has too many values, files, bases or bytes.",
            "written out, the config has more than 300,000 values: no config is that large",
        ),
        "left-to-caller": Code(
            "A setting is not about the graph or the recipe, or there is no counterpart for it.",
            "loss mode gives the loss only: compute the accuracy yourself",
            severity="warning",
        ),
        "no-model-config": Code(
            "What is imported is not the config of a model.",
            "expected the config of a model, a dict with a type, found {}",
        ),
        "no-openmmlab-shape": Code(
            "No config of OpenMMLab describes the graph. The differences to the nearest one follow.",
            "OpenMMLab's ImageClassifier has no config for this graph; the nearest one would be another graph:",
        ),
        "not-a-tensor": Code("An entry of a checkpoint's weights is not a tensor.", "this is int and no tensor"),
        "not-understood": Code(
            "A setting of a model is not known, or its value is not understood.",
            "ImageClassifier has no such setting; did you mean 'neck'?",
        ),
        "outside-catalog": Code(
            "The catalog has no component for a part, which becomes a placeholder.",
            "the catalog has no ConvNeXt: it stays a placeholder with all its parameters, and the model cannot run",
            severity="warning",
        ),
        "read-as": Code(
            "The recipe comes near to what a config says of training without being equal.",
            "32 samples on each of 8 GPUs (auto_scale_lr.base_batch_size is 256): the batch of the recipe is the whole "
            "one, 256; 'accumulate: 8' computes it in parts of 32",
            severity="notice",
        ),
        "unknown-algorithm": Code(
            "The type of the model is not a known algorithm, or it lacks a part of it.",
            "MyModel is no algorithm that is known: it is drawn as ImageClassifier, after which it seems to be made: "
            "assumed are a loss of the head's answer and 'label', and scores and labels in predict mode",
            severity="warning",
        ),
        "unknown-object": Code(
            "A checkpoint holds objects that training is not known to leave behind. They are not created.",
            "objects of this name are not made, only tensors are read",
        ),
        "unknown-package": Code(
            "`--package` names no package of OpenMMLab whose configs can be read.",
            "there is no package 'mmdett' whose configs are known; did you mean 'mmdet'?",
        ),
    },
    "In the browser": {
        "bad-archive": Code(
            "An uploaded archive is not a zip file, or holds what is not unpacked: links, names that lead out, bombs.",
            "1 entries have names that lead out of the folder: '../evil.png'",
        ),
        "bad-document": Code(
            "The page sent something that is not a graph.", "the page sent something that is no graph; reload it"
        ),
        "bad-file-name": Code(
            "The name of a file in the workspace is not allowed.",
            "the name contains '?', which Windows forbids in file names",
        ),
        "file-exists": Code("Another file already has this name.", "there is a file 'cats.yaml' already"),
        "cannot-listen": Code(
            "The server cannot listen on the address or port.",
            "listening failed: Address already in use; --port names another port",
        ),
        "no-device": Code("The selected device does not exist on the server.", "there is no such device here"),
        "no-password": Code(
            "The server would be reachable from other machines without a password.",
            "0.0.0.0 can be reached by other machines, and whoever reaches this app can run models on it: give a name "
            "and a password with --auth, or listen on 127.0.0.1",
        ),
        "no-embedding": Code(
            "`run --gallery` finds no embedding, or several, in the outputs of the graph.",
            "a gallery needs one embedding [B, D] of each image; its tensor mode gives cls_score (2 levels): wire one "
            "output of that size for tensor mode",
        ),
        "no-upload": Code(
            "A request names a file that was not uploaded.", "this file was not uploaded; upload it again"
        ),
        "no-weights": Code("The selected weights do not exist.", "upload a .safetensors file, or choose others"),
        "out-of-memory": Code(
            "A run needs more memory than allowed. The node is named.",
            "memory ran out in giant (Linear) (at least 12.1 GiB are needed): it may take 1 GiB now; use a smaller "
            "image or batch, or a smaller model",
        ),
        "port-type": Code(
            "No port of a node fits a wire, or a part cannot stand in a wire because of its types.",
            "none of the inputs of neck fits prediction.scores",
        ),
        "run-failed": Code(
            "A node raised an error while the model ran.",
            "culprit (Breaker) failed: RuntimeError: the wires are too long",
        ),
        "several-ports": Code(
            "A wire is to go to a node without the name of a port, and several ports fit equally.",
            "input, target of spare fit neck.out equally: name one of them",
        ),
        "stopped": Code("A user stopped the run.", "stopped in backbone (ResNet)", severity="warning"),
        "timed-out": Code(
            "A run took longer than the server allows.", "it was stopped after 300 s, in backbone (ResNet)"
        ),
        "too-many-runs": Code("Too many runs are waiting.", "8 runs are waiting already; try again in a while"),
        "weak-password": Code(
            "The password of `--auth` is too short.", "the password of 'ann' is shorter than 8 characters"
        ),
        "worker-died": Code(
            "The process that ran the model ended unexpectedly. The node is named.",
            "the process that ran the model died in culprit (Dier): the system ended it (SIGSEGV). The graph and the "
            "page are as they were",
        ),
    },
}
"""The codes by section of docs/problems.md, in the order of the page."""

CODES: Mapping[str, Code] = {code: row for rows in SECTIONS.values() for code, row in rows.items()}
