import Checkpoints
import Layers
import TensorCore

/// Natural gradient descent on the maps of a `StepwiseCorrection`:  W_i ← W_i − α (E zᵀz)⁻¹ ∂L/∂W_i.
///
/// E zᵀz is the Hessian of the divergence, so in its metric L curves by k, the KL coefficient, and by what rewards
/// that bend add, in proportion to the multipliers: h = k + κ Σλ. A step α = ½/h halves the distance to the optimum.
/// κ is learnt on the way. Along a move D from a point of slope s = ⟨∂L/∂W, D⟩ to one of slope s′, with λ unchanged,
/// s − s′ = α h s; least squares over all moves gives κ. Large slopes tell much, those near the optimum, which are
/// noise, nearly nothing.
final class NaturalDescent: @unchecked Sendable {
    private let parameters: [Parameter]
    /// k.
    private let coefficient: Double
    /// Σ Λs·((s − s′)/α − ks) and Σ (Λs)², Λ = Σλ: κ is their quotient.
    private(set) var bend = (explained: 0.0, weight: 0.0)
    private var previous: Move?

    private struct Move {
        /// D_i.
        let directions: [[Double]]
        /// s, where the move began.
        let slope: Double
        /// α.
        let step: Double
        let multipliers: [Double]
    }

    /// Keeps E zᵀz away from singular where few samples span many features.
    private static let ridge = 1e-3

    init(_ parameters: [Parameter], coefficient: Double) {
        self.parameters = parameters
        self.coefficient = coefficient
    }

    /// One step.
    ///
    /// - Parameters:
    ///   - gradients: ∂L/∂W_i at `multipliers`, `[features, d]`.
    ///   - moments: E zᵀz of every step, `[features, features]`; empty where z = 1.
    func update(_ gradients: [Tensor], moments: [Tensor], multipliers: [Double]) {
        let slopes = gradients.map(\.doubles)
        learn(slopes, multipliers)
        let directions = slopes.indices.map { i in
            moments.isEmpty ? slopes[i] : Self.direction(slopes[i], moments[i])
        }
        let kappa = bend.weight > 0 ? max(0, bend.explained / bend.weight) : 0
        let step = 0.5 / (coefficient + kappa * multipliers.reduce(0, +))
        for (parameter, direction) in zip(parameters, directions) {
            let value = parameter.value.detached
            let move = Tensor(direction, shape: value.shape).cast(to: .float32)
            value.backend.accumulate(move, scale: -step, onto: value, scale: 1)
        }
        previous = Move(
            directions: directions, slope: Self.product(slopes, directions), step: step,
            multipliers: multipliers)
    }

    /// Learns κ from the last move, if the multipliers have not changed since.
    private func learn(_ slopes: [[Double]], _ multipliers: [Double]) {
        guard let previous, previous.multipliers == multipliers else { return }
        let (total, slope) = (multipliers.reduce(0, +), previous.slope)
        let curved = (slope - Self.product(slopes, previous.directions)) / previous.step - coefficient * slope
        bend.explained += total * slope * curved
        bend.weight += total * slope * total * slope
    }

    private static func direction(_ slope: [Double], _ moments: Tensor) -> [Double] {
        let order = moments.shape[0]
        var matrix = moments.doubles
        for i in 0..<order { matrix[i * order + i] += ridge }
        return solvePositiveDefinite(matrix, slope, order: order) ?? slope
    }

    private static func product(_ left: [[Double]], _ right: [[Double]]) -> Double {
        zip(left, right).reduce(0) { sum, pair in
            sum + zip(pair.0, pair.1).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }
}

extension NaturalDescent: Resumable {
    func save(to tree: inout StateTree, at path: String) {
        tree.set([bend.explained, bend.weight], at: "\(path)/bend")
        guard let previous else { return }
        tree.set([previous.slope, previous.step] + previous.multipliers, at: "\(path)/move")
        for (index, direction) in previous.directions.enumerated() {
            tree.set(direction, at: "\(path)/directions/\(index)")
        }
    }

    func restore(from tree: StateTree, at path: String) throws {
        let sums = try tree.elements("\(path)/bend", as: Double.self, shape: [2])
        bend = (sums[0], sums[1])
        guard tree["\(path)/move"] != nil else { return previous = nil }
        let move = try tree.doubles("\(path)/move")
        previous = Move(
            directions: try parameters.indices.map { try tree.doubles("\(path)/directions/\($0)") },
            slope: move[0], step: move[1], multipliers: Array(move[2...]))
    }
}
