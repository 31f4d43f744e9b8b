import TensorCore

/// A reward as users find it: by name, with or without files.
public struct ImageRewardEntry: Sendable {
    public let name: String
    /// One line for help texts.
    public let summary: String
    /// Whether a score depends on the prompt.
    public let readsPrompts: Bool
    private let source: Source

    private enum Source: Sendable {
        case formula(any ImageReward)
        case files(String, @Sendable (_ path: String, _ dtype: DType?) throws -> any ImageReward)
    }

    /// A reward in closed form.
    init(_ reward: any ImageReward, summary: String) {
        (name, self.summary, readsPrompts) = (reward.name, summary, false)
        source = .formula(reward)
    }

    /// A reward that is learned.
    ///
    /// - Parameters:
    ///   - weights: what its files are.
    ///   - load: makes it from their path, with weights held in a type (nil keeps the stored one).
    init(
        _ name: String, summary: String, readsPrompts: Bool, weights: String,
        load: @escaping @Sendable (_ path: String, _ dtype: DType?) throws -> any ImageReward
    ) {
        (self.name, self.summary, self.readsPrompts) = (name, summary, readsPrompts)
        source = .files(weights, load)
    }

    /// What its files are; nil for a formula.
    public var weights: String? {
        if case .files(let contents, _) = source { contents } else { nil }
    }

    /// - Throws: `ImageRewardError` unless weights are given where, and only where, there are any.
    public func check(weights path: String?) throws {
        switch (source, path) {
        case (.files(let contents, _), nil):
            throw ImageRewardError.needsWeights(reward: name, contents: contents)
        case (.formula, .some): throw ImageRewardError.takesNoWeights(reward: name)
        default: break
        }
    }

    /// The reward itself.
    ///
    /// - Parameter dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ImageRewardError`, and whatever reading the files throws.
    public func load(weights path: String?, as dtype: DType? = .float32) throws -> any ImageReward {
        try check(weights: path)
        switch source {
        case .formula(let reward): return reward
        case .files(_, let load): return try load(path ?? "", dtype)
        }
    }
}
