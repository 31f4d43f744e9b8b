import Models
import TensorCore
import WeightFiles

/// MPS, its overall score (Zhang and others 2024): e^logit_scale · cos(image features, text features), the former made
/// in the light of the prompt.
public struct MultiDimensionalPreferenceScore: ImageReward {
    public let name = "mps"
    private let model: MPSModel
    private let preprocessing: CLIPPreprocessing
    private let texts: PromptFeatures<MPSModel.Text>

    /// What the published model was trained to look for, to the letter.
    private static let condition =
        "light, color, clarity, tone, style, ambiance, artistry, shape, face, hair, hands, limbs, structure, "
        + "instance, texture, quantity, attributes, position, number, location, word, things."
    /// At a third of a megabyte each.
    private static let keptPrompts = 256

    /// - Parameters:
    ///   - directory: imscore's safetensors file and CLIP's tokenizer; a `config.json` for a CLIP of other sizes than
    ///     ViT-H/14's.
    ///   - dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public init(directory path: String, as dtype: DType? = .float32) throws {
        let directory = try ComponentDirectory(path: path)
        let model = try MPSModel.load(directory, as: dtype)
        let configuration = model.clip.configuration
        preprocessing = try CLIPPreprocessing(
            directory: directory, imageSize: configuration.vision.imageSize, filter: .bicubic)
        let tokenizer = try PromptTokenizer(directory: directory, for: configuration.text)
        let condition = model.clip.textTokens(tokenizer(Self.condition))
        texts = PromptFeatures(tokenizer, limit: Self.keptPrompts) { model.text($0, condition: condition) }
        self.model = model
    }

    public func callAsFunction(_ images: Tensor, prompts: [String]) throws -> Tensor {
        let texts = texts(prompts)
        let pictures = model.features(preprocessing(images), texts).normalized(axis: 1)
        let wanted = Tensor.concatenated(texts.map(\.features)).normalized(axis: 1)
        return model.clip.cosineScale * (pictures * wanted).sum(axis: 1)
    }

    static let entry = ImageRewardEntry(
        "mps", summary: "MPS: the image is seen in the light of its prompt", readsPrompts: true,
        weights: "the directory of imscore's model.safetensors, with CLIP's tokenizer"
    ) { try MultiDimensionalPreferenceScore(directory: $0, as: $1) }
}
