/// What is known of one constraint at the end of a run, or at its last iteration so far.
struct ConstraintRecord: Sendable {
    /// What a constraint bounds.
    enum Measure: Sendable {
        case divergence, crossEntropy, reward

        /// With its unit, where it has one.
        var label: String {
            switch self {
            case .divergence: "KL (nats)"
            case .crossEntropy: "cross-entropy (nats)"
            case .reward: "mean reward"
            }
        }

        /// Prefix of its names in the metrics.
        var metric: String { self == .reward ? "reward" : "divergence" }
    }

    let name: String
    let value: Double?
    /// Standard error of the value; nil where none was measured.
    let error: Double?
    /// The value on prompts that were not trained on.
    let heldOut: Double?
    /// Bound of a reward; nil for compositions, which share one bound.
    let threshold: Double?
    /// Positive is violated.
    let violation: Double?
    let multiplier: Double?
    /// The same measure for each baseline of the record, in its order.
    let baselines: [Double?]

    /// The bound as an inequality, `≥` where falling below it is a violation.
    var requirement: String? {
        guard let threshold, let value, let violation else { return nil }
        let isLower = violation * (threshold - value) >= 0
        return "\(isLower ? "≥" : "≤") \(number(threshold))"
    }
}

extension RunRecord {
    /// nil where the run has measured nothing yet.
    var measure: ConstraintRecord.Measure? {
        let names = history?.names ?? []
        if summary?.rewards != nil || names.contains(where: { $0.hasPrefix("reward/") }) { return .reward }
        guard summary?.divergences != nil || names.contains(where: { $0.hasPrefix("divergence/") }) else {
            return nil
        }
        return kind == .mixture && outline?.constraint != "kl" ? .crossEntropy : .divergence
    }

    /// Constraints in configuration order.
    var constraintNames: [String] {
        if let summary { return summary.names }
        guard let measure else { return [] }
        let prefix = measure.metric + "/"
        let measured = (history?.names ?? []).filter { $0.hasPrefix(prefix) }.map {
            String($0.dropFirst(prefix.count))
        }
        let configured =
            measure == .reward ? outline?.rewards?.map(\.name) : outline?.models?.map(\.name)
        return configured.flatMap { Set($0) == Set(measured) ? $0 : nil } ?? measured
    }

    /// From the summary, or from the last line of the metrics while there is none.
    var constraints: [ConstraintRecord] {
        constraintNames.enumerated().map { index, name in
            let last = { (group: String) in self.history?["\(group)/\(name)"]?.last }
            let values = measure == .reward ? summary?.rewards : summary?.divergences
            let threshold =
                summary?.thresholds?.element(index)
                ?? outline?.rewards?.first { $0.name == name }?.threshold
            return ConstraintRecord(
                name: name, value: summary.map { _ in values?.element(index) } ?? last(measure?.metric ?? ""),
                error: evaluation?.trained.aligned.errors.element(index)
                    ?? composition?.constrained?.divergences?.element(index)?.error,
                heldOut: evaluation?.heldOut?.aligned.rewards.element(index),
                threshold: measure == .reward ? threshold : nil,
                violation: summary.map { $0.violations.element(index) } ?? last("violation"),
                multiplier: summary.map { $0.multipliers.element(index) } ?? last("multiplier"),
                baselines: baselines.map { baseline in
                    (measure == .reward ? baseline.values.rewards : baseline.values.divergences)?
                        .element(index)
                })
        }
    }
}

extension Array {
    /// The element, or nil where there is none: files of other versions may be shorter.
    func element(_ index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
