/// What can go wrong in a run that is no fault of the configuration's form.
public enum TrainingError: ExitCoded, CustomStringConvertible {
    case degenerateProduct([Double])
    case degenerateData(model: String)
    case notStarted(String)
    case badSamples(path: String, reason: String)
    case notPositiveDefinite
    case constantReward(String)

    public var exitCode: Int32 {
        switch self {
        case .degenerateProduct, .notStarted: ExitStatus.internal
        case .degenerateData, .badSamples: ExitStatus.badData
        case .notPositiveDefinite, .constantReward: ExitStatus.configuration
        }
    }

    public var description: String {
        switch self {
        case .degenerateProduct(let multipliers):
            "the product of the given Gaussians at multipliers \(multipliers) has no positive definite covariance; "
                + "look for a model whose variance is many orders of magnitude from the others'"
        case .degenerateData(let model):
            "the samples of model \(model) are all equal or not finite; a diffusion model needs a spread"
        case .notStarted(let what):
            "\(what) was measured before its first update"
        case .badSamples(let path, let reason):
            "\(path): \(reason)"
        case .notPositiveDefinite:
            "a covariance of the configuration is not positive definite"
        case .constantReward(let name):
            "reward \(name) does not vary under the base model, so it has no units to normalise by; "
                + "set normalize: none"
        }
    }
}
