import Models
import TensorCore
import WeightFiles

/// LAION's aesthetic predictor (Schuhmann and others 2022, §B.1): how people would rate a picture, from 1 to 10, by a
/// stack of linear layers on CLIP's image features of length 1.
public struct AestheticReward: ImageReward {
    public let name = "aesthetic"
    private let encoder: CLIPImageEncoder
    private let preprocessing: CLIPPreprocessing
    private let head: LinearStack

    /// - Parameters:
    ///   - directory: CLIP ViT-L/14 as transformers' save_pretrained writes it, and the head, its only `.pth`.
    ///   - dtype: the type to hold CLIP's weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public init(directory path: String, as dtype: DType? = .float32) throws {
        let directory = try ComponentDirectory(path: path)
        encoder = try CLIPImageEncoder.load(directory, as: dtype)
        preprocessing = try CLIPPreprocessing(
            directory: directory, imageSize: encoder.configuration.imageSize, filter: .bicubic)
        let file = try directory.onlyFile(
            [".pth"], what: "the predictor's head",
            advice: "Put sac+logos+ava1-l14-linearMSE.pth beside CLIP's files.")
        head = try LinearStack(TorchArchive(path: file), inputs: encoder.features)
    }

    public func callAsFunction(_ images: Tensor, prompts: [String]) throws -> Tensor {
        head(encoder(preprocessing(images)).normalized(axis: 1)).reshaped(-1)
    }

    static let entry = ImageRewardEntry(
        "aesthetic", summary: "LAION's rating of beauty, from 1 to 10", readsPrompts: false,
        weights: "the directory of CLIP ViT-L/14, with sac+logos+ava1-l14-linearMSE.pth in it"
    ) { try AestheticReward(directory: $0, as: $1) }
}
