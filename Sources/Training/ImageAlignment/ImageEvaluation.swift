import Foundation
import Telemetry

/// `evaluation.json`: the aligned model beside the base on the same latents.
struct ImageEvaluation: Codable, Sendable {
    /// Rewards in the units of their thresholds.
    struct Model: Codable {
        let rewards: [Double]
        /// Standard errors.
        let errors: [Double]
        let divergence: Double

        init(_ measured: ImageMeasurement, _ constraints: [ImageConstraint]) {
            rewards = zip(constraints, measured.means).map { $0.scale.normalized($1) }
            errors = zip(constraints, measured.errors).map { $1 / $0.scale.deviation }
            divergence = measured.divergence
        }
    }

    struct Population: Codable {
        let samples: Int
        let aligned: Model
        let base: Model

        init(aligned: ImageMeasurement, base: ImageMeasurement, _ constraints: [ImageConstraint]) {
            samples = aligned.samples
            self.aligned = Model(aligned, constraints)
            self.base = Model(base, constraints)
        }
    }

    static let fileName = "evaluation.json"

    let names: [String]
    let trained: Population
    var heldOut: Population?

    enum CodingKeys: String, CodingKey {
        case names, trained
        case heldOut = "held_out"
    }

    /// What people read at the end of a run.
    func table(_ summary: Summary) -> String {
        let number = { (value: Double) in String(format: "%.3f", value) }
        let pair = { (model: Model, i: Int) in
            number(model.rewards[i]) + " ± " + number(model.errors[i])
        }
        var lines = [
            "status      \(summary.status) after \(summary.iterations) iterations, \(Int(summary.seconds)) s",
            "divergence  \(number(trained.aligned.divergence)) nats from the base (path-wise)",
        ]
        for (i, name) in names.enumerated() {
            var line =
                "\(name): \(pair(trained.aligned, i)), required \(number(summary.thresholds?[i] ?? 0)), "
                + "base \(pair(trained.base, i)), λ \(number(summary.multipliers[i]))"
            if let heldOut { line += "; held-out prompts \(pair(heldOut.aligned, i))" }
            lines.append(line + "; " + verdict(i, summary))
        }
        return lines.joined(separator: "\n")
    }

    /// Whether a constraint is met, as far as the samples tell.
    private func verdict(_ i: Int, _ summary: Summary) -> String {
        let (violation, error) = (summary.violations[i], trained.aligned.errors[i])
        if violation <= 0 { return "met" }
        if violation <= 2 * error { return "met within two standard errors" }
        let short = String(format: "NOT met, %.3f short (%.1f standard errors)", violation, violation / error)
        let grows = summary.lastMultipliers[i] > 1.05 * summary.multipliers[i]
        return short
            + (grows
                ? "; its λ was still growing: give it more training.steps, or lower its threshold if they do not help"
                : "")
    }
}
