/// One given model.
public struct ModelConfiguration: Equatable, Sendable {
    public enum Source: Equatable, Sendable {
        case gaussian(GaussianConfiguration)
        case mixture([MixtureComponentConfiguration])
        /// A safetensors file with tensor `samples` `[N, dimension]`; the path is already resolved.
        case samples(path: String)
    }

    public var name: String
    public var source: Source
}

public struct GaussianConfiguration: Equatable, Sendable {
    public var mean: [Double]
    /// Rows.
    public var covariance: [[Double]]
}

public struct MixtureComponentConfiguration: Equatable, Sendable {
    public var weight: Double
    public var gaussian: GaussianConfiguration
}

extension ModelConfiguration: Keyed {
    static var blank: ModelConfiguration { ModelConfiguration(name: "", source: .samples(path: "")) }

    static var fields: [Field<ModelConfiguration>] {
        [
            .required("name", \.name, .text("name"), "Name in logs, files and the summary."),
            .alternative(
                "gaussian", of: \.source, .mapping, embed: { .gaussian($0) },
                extract: { if case .gaussian(let gaussian) = $0 { gaussian } else { nil } },
                "A normal distribution."),
            .alternative(
                "mixture", of: \.source, Format.mapping.list(named: "list of weighted Gaussians"),
                embed: { .mixture($0) },
                extract: { if case .mixture(let components) = $0 { components } else { nil } },
                "A mixture of normal distributions; the weights sum to 1."),
            .alternative(
                "samples", of: \.source, .file, embed: { .samples(path: $0) },
                extract: { if case .samples(let path) = $0 { path } else { nil } },
                "A safetensors file with tensor `samples` [N, d]; a relative path starts from the directory of "
                    + "the configuration."),
        ]
    }
}

extension GaussianConfiguration: Keyed {
    static var blank: GaussianConfiguration { GaussianConfiguration(mean: [], covariance: []) }

    static var fields: [Field<GaussianConfiguration>] {
        [.mean(\.self), .covariance(\.self)]
    }
}

extension MixtureComponentConfiguration: Keyed {
    static var blank: MixtureComponentConfiguration {
        MixtureComponentConfiguration(weight: 0, gaussian: .blank)
    }

    static var fields: [Field<MixtureComponentConfiguration>] {
        [
            .required("weight", \.weight, .positive, "Share of the component."),
            .mean(\.gaussian), .covariance(\.gaussian),
        ]
    }
}

extension Field where Owner: Keyed {
    fileprivate static func mean(_ gaussian: WritableKeyPath<Owner, GaussianConfiguration>) -> Field {
        .required(
            "mean", gaussian.appending(path: \.mean), Format.number().list(named: "list of numbers"),
            "d numbers.")
    }

    fileprivate static func covariance(_ gaussian: WritableKeyPath<Owner, GaussianConfiguration>) -> Field {
        .required(
            "covariance", gaussian.appending(path: \.covariance),
            Format.number().list(named: "list of numbers").list(named: "list of rows"),
            "d rows of d numbers, symmetric and positive definite.")
    }
}
