import Yams

/// The few keys of a run's configuration that its report mentions.
///
/// Read leniently, unlike `RunConfiguration`: reports are also made of runs of other versions, and on
/// machines without the data files.
struct ConfigurationOutline: Decodable, Sendable {
    struct Model: Decodable, Sendable {
        var name: String
        var gaussian: Component?
        var mixture: [Component]?

        /// The Gaussians the model consists of; empty where it is known by samples alone.
        var components: [Component] { gaussian.map { [$0] } ?? mixture ?? [] }
    }

    struct Component: Decodable, Sendable {
        var mean: [Double]
        /// Rows.
        var covariance: [[Double]]
    }

    struct Reward: Decodable, Sendable {
        var name: String
        /// nil where the reward is only measured.
        var threshold: Double?
    }

    var kind: String?
    var dimension: Int?
    var score: String?
    /// What a mixture keeps equal: `elbo` or `kl`.
    var constraint: String?
    var models: [Model]?
    var rewards: [Reward]?

    /// - Returns: nil if the text is no YAML of this form.
    init?(yaml text: String) {
        guard let outline = try? YAMLDecoder().decode(Self.self, from: text) else { return nil }
        self = outline
    }
}
