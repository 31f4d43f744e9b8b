import Checkpoints

/// What a run has done after its last iteration: its adapter settled, its result measured.
struct ImageConclusion {
    /// Iterations that came before.
    let iterations: Int
    /// Updates at the average multipliers.
    var settled = 0
    var measurements = PartialMeasurements()

    init(iterations: Int) { self.iterations = iterations }

    /// Stores it with the adapter as it has become.
    func save(to tree: inout StateTree, _ problem: ImageAlignmentProblem) {
        tree.set(iterations, at: "conclusion/iterations")
        tree.set(settled, at: "conclusion/settled")
        measurements.save(to: &tree, at: "conclusion/measurements")
        problem.save(to: &tree, at: "conclusion/primal")
    }

    /// Goes on from a checkpoint, unless it concludes fewer iterations than have been made.
    mutating func restore(from tree: StateTree, _ problem: ImageAlignmentProblem) throws {
        guard try tree.count("conclusion/iterations") == iterations else { return }
        settled = try tree.count("conclusion/settled")
        measurements = try PartialMeasurements(from: tree, at: "conclusion/measurements")
        try problem.restore(from: tree, at: "conclusion/primal")
    }
}
