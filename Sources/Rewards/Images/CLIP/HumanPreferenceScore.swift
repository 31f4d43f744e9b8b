import Models
import TensorCore
import WeightFiles

/// HPS v2 and v2.1 (Wu and others 2023, §4): cos(image features, text features) in a CLIP ViT-H/14 trained on people's
/// choices; about 0.2 to 0.35.
extension CLIPSimilarity {
    /// - Parameters:
    ///   - path: the directory of the checkpoint, its only `.pt` or `.safetensors`, and CLIP's tokenizer; a
    ///     `config.json` for a CLIP of other sizes than ViT-H/14's.
    ///   - dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public init(humanPreference path: String, as dtype: DType? = .float32) throws {
        let directory = try ComponentDirectory(path: path)
        let configuration = try CLIPConfiguration.read(directory, otherwise: .vitH14)
        let model = try CLIPModel.load(openCLIP: Self.weights(in: directory), configuration, as: dtype)
        // Pictures are shown whole, so a preprocessor_config.json of the CLIP is not asked.
        let side = configuration.vision.imageSize
        var preprocessing = CLIPPreprocessing(imageSize: side, filter: .bicubic)
        preprocessing.size = .longestSide(side)
        try self.init(
            name: "hps-v2", model, preprocessing,
            PromptTokenizer(directory: directory, for: configuration.text), scale: 1)
    }

    private static func weights(in directory: ComponentDirectory) throws -> ComponentWeights {
        let file = try directory.onlyFile(
            [".pt", ".safetensors"], what: "the checkpoint",
            advice: "Put HPS_v2.1_compressed.pt, or imscore's model.safetensors, beside CLIP's tokenizer.")
        return file.hasSuffix(".pt")
            ? try ComponentWeights(archive: TorchArchive(path: file), naming: .openCLIP)
            : try ComponentWeights(file: file, naming: .openCLIP)
    }

    static let humanPreference = ImageRewardEntry(
        "hps-v2", summary: "HPS v2 and v2.1: the cosine in another CLIP trained so", readsPrompts: true,
        weights: "the directory of HPS_v2_compressed.pt or HPS_v2.1_compressed.pt, with CLIP's tokenizer"
    ) { try CLIPSimilarity(humanPreference: $0, as: $1) }
}
