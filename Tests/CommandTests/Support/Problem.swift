import TestSupport

/// A training problem as its YAML configuration.
struct Problem: Sendable {
    /// `compose`, `align` or `pretrain`.
    let command: String
    private(set) var yaml: String

    /// - Parameter settings: further lines of YAML.
    init(
        kind: String, dimension: Int, score: String = "analytic", models: [String], rewards: [String] = [],
        settings: [String] = []
    ) {
        command = ["alignment": "align", "pretraining": "pretrain"][kind, default: "compose"]
        let list = { (key: String, items: [String]) in
            items.isEmpty ? [] : ["\(key):"] + items.map { "  - \($0)" }
        }
        yaml =
            (["kind: \(kind)", "dimension: \(dimension)", "score: \(score)"] + list("models", models)
            + list("rewards", rewards) + settings).joined(separator: "\n") + "\n"
    }
}

extension Problem {
    /// With one line of the configuration replaced: the one that has the same key.
    func with(_ line: String) -> Problem {
        let key = line.prefix { $0 != ":" } + ":"
        var copy = self
        copy.yaml =
            yaml.split(separator: "\n").map { $0.hasPrefix(key) ? Substring(line) : $0 }
            .joined(separator: "\n") + "\n"
        return copy
    }
}

/// N(mean, covariance) as the closed forms and the configuration have it.
struct Normal: Sendable {
    var mean: [Double]
    var covariance: Matrix

    init(_ mean: [Double], _ covariance: [[Double]]) {
        self.mean = mean
        self.covariance = Matrix(covariance)
    }

    init(_ mean: [Double], variance: Double) {
        self.mean = mean
        covariance = .diagonal(mean.map { _ in variance })
    }

    /// The distribution of c x.
    func scaled(by factor: Double) -> Normal {
        var copy = self
        copy.mean = mean.map { factor * $0 }
        copy.covariance = covariance.scaled(factor * factor)
        return copy
    }

    /// The distribution of x + c in every coordinate.
    func moved(by offset: Double) -> Normal {
        var copy = self
        copy.mean = mean.map { $0 + offset }
        return copy
    }

    /// `{mean: …, covariance: …}`.
    var yaml: String {
        let rows = (0..<covariance.size).map { row in
            (0..<covariance.size).map { covariance[row, $0] }
        }
        return "{mean: \(mean), covariance: \(rows)}"
    }

    /// As an entry of `models`.
    func model(_ name: String) -> String { "{name: \(name), gaussian: \(yaml)}" }
}
