import Checkpoints
import TensorCore

/// The primal side of a composition, min_{p,u} u  s.t.  D_i(p) ≤ u: what the dual ascent needs of it.
///
/// What it saves determines all that follows, together with the multipliers.
protocol CompositionProblem: Resumable {
    /// Moves p towards the minimiser of Σ λ_i D_i.
    func update(multipliers: [Double]) throws

    /// D_i of the current p in nats, on the samples of this iteration.
    func divergences() throws -> [Double]

    /// Brings p to rest at multipliers that no longer change.
    func settle(multipliers: [Double]) throws

    /// D_i of the settled p on fresh samples, as many as `work` says.
    func evaluate(_ work: DivergenceWork) throws -> [Double]

    /// The settled p as a model that can be sampled and stored.
    func model() throws -> VectorModel
}
