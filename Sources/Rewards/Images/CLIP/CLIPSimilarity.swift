import Models
import TensorCore
import WeightFiles

/// How well pictures fit their prompts: scale · cos(image features, text features).
public struct CLIPSimilarity: ImageReward {
    public let name: String
    private let encoder: CLIPImageEncoder
    private let preprocessing: CLIPPreprocessing
    private let promptFeatures: PromptFeatures<Tensor>
    private let scale: Double

    /// With the model's own scale, e^logit_scale.
    ///
    /// - Parameters:
    ///   - directory: a CLIPModel with its tokenizer, as transformers' save_pretrained writes them.
    ///   - dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public init(name: String, directory path: String, filter: ResizingFilter, as dtype: DType? = .float32)
        throws
    {
        let directory = try ComponentDirectory(path: path)
        let model = try CLIPModel.load(directory, as: dtype)
        let preprocessing = try CLIPPreprocessing(
            directory: directory, imageSize: model.configuration.vision.imageSize, filter: filter)
        try self.init(
            name: name, model, preprocessing,
            PromptTokenizer(directory: directory, for: model.configuration.text), scale: model.cosineScale)
    }

    init(
        name: String, _ model: CLIPModel, _ preprocessing: CLIPPreprocessing, _ tokenizer: PromptTokenizer,
        scale: Double
    ) {
        self.name = name
        encoder = model.images
        self.preprocessing = preprocessing
        promptFeatures = PromptFeatures(tokenizer) { model.textFeatures($0).normalized(axis: 1) }
        self.scale = scale
    }

    public func callAsFunction(_ images: Tensor, prompts: [String]) throws -> Tensor {
        precondition(
            images.shape[0] == prompts.count,
            "\(name): got \(prompts.count) prompts for images \(images.shape), expected one for each")
        let pictures = encoder(preprocessing(images)).normalized(axis: 1)
        return scale * (pictures * Tensor.concatenated(promptFeatures(prompts))).sum(axis: 1)
    }
}

extension CLIPSimilarity {
    private static let files = "the directory of a CLIPModel, with its tokenizer"

    /// imscore's CLIPScore, which the paper uses.
    static let clipScore = ImageRewardEntry(
        "clip-score", summary: "cosine of image and prompt in CLIP, times about 100",
        readsPrompts: true, weights: files
    ) { try CLIPSimilarity(name: "clip-score", directory: $0, filter: .bilinear, as: $1) }

    /// PickScore (Kirstain and others 2023, §3).
    static let pickScore = ImageRewardEntry(
        "pick-score", summary: "the same of a CLIP trained on people's choices",
        readsPrompts: true, weights: files
    ) { try CLIPSimilarity(name: "pick-score", directory: $0, filter: .bicubic, as: $1) }
}
