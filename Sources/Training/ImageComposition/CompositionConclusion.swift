import Checkpoints

/// What a run has done after its last dual iteration: an adapter distilled, models measured.
struct CompositionConclusion {
    /// Dual iterations that came before.
    let iterations: Int
    /// λ that they ended with.
    private let multipliers: [Double]
    /// Whether it goes on from a checkpoint.
    private(set) var isContinued = false
    /// Updates and measured images so far; numbers the checkpoints.
    var steps = 0
    /// What determines the measurements, as text.
    private let settings: String
    /// By the place of the model in the evaluation.
    private(set) var measurements: [Int: CompositionMeasurement] = [:]

    init(iterations: Int, multipliers: [Double], settings: String) {
        (self.iterations, self.multipliers, self.settings) = (iterations, multipliers, settings)
    }

    /// The images of a model that are still to be measured.
    func remaining(ofModel model: Int, samples: Int) -> Range<Int> {
        min(measurements[model]?.samples ?? 0, samples)..<samples
    }

    mutating func add(_ measurement: CompositionMeasurement, ofModel model: Int) {
        steps += measurement.samples
        measurements[model] = measurements[model]?.appending(measurement) ?? measurement
    }

    func save(to tree: inout StateTree) {
        tree.set(iterations, at: "conclusion/iterations")
        tree.set(multipliers, at: "conclusion/multipliers")
        tree.set(steps, at: "conclusion/steps")
        tree["conclusion/settings"] = .text(settings)
        for (model, measurement) in measurements {
            measurement.save(to: &tree, at: "conclusion/measurements/\(model)")
        }
    }

    /// Goes on from a checkpoint, unless it concludes fewer iterations than have been made, or at other multipliers (of
    /// another `dual.average`). Measurements under other settings do not count.
    mutating func restore(from tree: StateTree) throws {
        guard let saved = tree["conclusion/iterations"], saved == .integer(Int64(iterations)) else { return }
        steps = try tree.count("conclusion/steps")
        isContinued = try tree.doubles("conclusion/multipliers") == multipliers
        guard isContinued, try tree.text("conclusion/settings") == settings else { return }
        let models = tree.subtree("conclusion/measurements").paths.compactMap {
            $0.split(separator: "/").first
        }
        for model in Set(models.compactMap { Int($0) }) {
            measurements[model] = try CompositionMeasurement(
                from: tree, at: "conclusion/measurements/\(model)")
        }
    }
}
