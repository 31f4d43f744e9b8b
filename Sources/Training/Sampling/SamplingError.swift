/// Why a run cannot be sampled.
public enum SamplingError: ExitCoded, Equatable, CustomStringConvertible {
    case missing(path: String)
    /// `others` are the model files that the directory does have.
    case noModel(directory: String, others: [String])
    /// A run on text-to-image models.
    case composition(directory: String)

    public var exitCode: Int32 { ExitStatus.noInput }

    public var description: String {
        switch self {
        case .missing(let path):
            "\(path): no such file or directory. Name a diffusers directory, a run directory or a "
                + "model.safetensors with --model."
        case .composition(let directory):
            "\(directory) is a composition of text-to-image models; name it with --composition, and give a --prompt."
        case .noModel(let directory, let others) where others.isEmpty:
            "\(directory) has no model.safetensors. A run writes it when it ends; continue it with "
                + "--resume latest."
        case .noModel(let directory, let others):
            "\(directory) has no model.safetensors but several models. Name one with --model: "
                + others.joined(separator: ", ")
        }
    }
}
