import Foundation
import Telemetry

/// Four significant digits.
func number(_ value: Double) -> String { NumberText.significant(value) }

/// The number, or the sign for one that there is not.
func number(_ value: Double?) -> String { value.map { number($0) } ?? ReportTable.missing }

/// 41 s, 3 min 20 s, 2 h 5 min.
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return ReportTable.missing }
    let total = Int(seconds.rounded())
    switch total {
    case ..<60: return seconds < 10 ? String(format: "%.1f s", seconds) : "\(total) s"
    case ..<3600: return "\(total / 60) min \(total % 60) s"
    default: return "\(total / 3600) h \(total % 3600 / 60) min"
    }
}

/// "1 model", "3 models".
func counted(_ count: Int, _ noun: String) -> String {
    let plural = noun.hasSuffix("ch") ? "es" : "s"
    return "\(count) \(noun)\(count == 1 ? "" : plural)"
}

/// What people read for a key of `baselines.json` or a tensor of `samples.safetensors`.
func baselineName(_ key: String) -> String {
    key == "base" ? "base model" : key.replacingOccurrences(of: "_", with: " ")
}

extension RunRecord {
    /// The status as a badge; a run without a summary is still going, or was stopped.
    var badge: ReportStatus {
        guard let summary else {
            return kind == .pretraining && !samples.isEmpty
                ? ReportStatus("finished", tone: .good) : ReportStatus("not finished", tone: .warning)
        }
        let text = summary.status.replacingOccurrences(of: "_", with: " ")
        switch summary.status {
        case "converged": return ReportStatus(text, tone: .good)
        case "infeasible", "non_finite": return ReportStatus(text, tone: .bad)
        default: return ReportStatus(text, tone: .warning)
        }
    }

    /// Kind, problem and machine in one line.
    var subtitle: String {
        let dimension = samples.first?.dimension ?? outline?.dimension
        let parts = [
            kind?.rawValue,
            outline?.models.map { counted($0.count, "model") },
            outline?.rewards.map { counted($0.count, "reward") },
            dimension.map { "\($0)-dimensional" },
            outline?.score.map { "\($0) scores" },
            summary.map { counted($0.ranks, "rank") },
            (summary?.seconds ?? history?.seconds.last).map(duration),
        ]
        return parts.compactMap { $0 }.joined(separator: " · ")
    }

    /// The numbers that matter most.
    var keyFigures: [ReportFigure] {
        let last = { (name: String) in self.history?[name]?.last }
        let iterations = summary?.iterations ?? history?.steps.last
        let figures: [(name: String, value: String?)] = [
            (objectiveLabel, (summary?.objective ?? last("objective")).map { number($0) }),
            ("dual value", (summary?.dualValue ?? last("dual_value")).map { number($0) }),
            ("duality gap", (summary?.gap ?? last("gap")).map { number($0) }),
            ("dual iterations", iterations.map(String.init)),
            ("time", (summary?.seconds ?? history?.seconds.last).map(duration)),
            ("ranks", summary.map { "\($0.ranks)" }),
        ]
        return figures.compactMap { figure in
            figure.value.map { ReportFigure(name: figure.name, value: $0) }
        }
    }

    /// What the objective is.
    var objectiveLabel: String {
        switch kind {
        case .alignment: "KL from the base (nats)"
        case .product, .mixture: "bound u (nats)"
        case .pretraining, nil: "objective"
        }
    }
}
