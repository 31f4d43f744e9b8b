/// H = −∂v/∂λ by weighted least squares on pairs of differences (Δλ, Δv), the multisecant equations.
///
/// Kept are A = Σ w ΔλΔλᵀ, B = Σ w ΔvΔλᵀ and B′ = Σ w Δv₋Δλᵀ with the differences one iteration earlier, for
/// the lag. Each pair has w = s/‖Δλ‖², so long and short moves count alike, and old pairs fade by 1−φs as it
/// comes in: s is the share of the pair that is signal, and where nothing is learned nothing is forgotten.
struct SecantCurvature: Sendable, Equatable {
    private(set) var moves: SquareMatrix
    private(set) var responses: SquareMatrix
    private(set) var earlierResponses: SquareMatrix

    /// φ.
    private static let forgetting = 0.3

    init(order: Int) {
        moves = SquareMatrix(zerosOfOrder: order)
        responses = moves
        earlierResponses = moves
    }

    var isEmpty: Bool { moves.trace == 0 }

    /// - Parameters:
    ///   - squaredLength: ‖Δλ‖² in natural units.
    ///   - signal: s in 0…1.
    mutating func learn(
        move: [Double], response: [Double], earlierResponse: [Double], squaredLength: Double, signal: Double
    ) {
        let decay = 1 - Self.forgetting * signal
        let weight = signal / squaredLength
        moves = moves.decayed(by: decay, adding: weight, move, move)
        responses = responses.decayed(by: decay, adding: weight, response, move)
        earlierResponses = earlierResponses.decayed(by: decay, adding: weight, earlierResponse, move)
    }

    /// The parts of Δv and Δv₋ that the pairs so far do not explain by Δλ: Δv − BA⁻¹Δλ, likewise B′.
    func unexplained(
        move: [Double], response: [Double], earlierResponse: [Double], units: [Double]
    ) -> (response: [Double], earlier: [Double]) {
        let inverseUnits = units.map { 1 / $0 }
        let scaled = moves.scaled(rows: inverseUnits, columns: inverseUnits)
        let ridge = 1e-3 * scaled.trace
        let inverse = SymmetricEigen(scaled).rebuilt { 1 / (max($0, 0) + ridge) }
        let weights = multiply(inverse.times(multiply(move, inverseUnits)), inverseUnits)
        return (
            subtract(response, responses.times(weights)),
            subtract(earlierResponse, earlierResponses.times(weights))
        )
    }

    /// −Σw Δv·Δλ / Σw‖Δλ‖², the average curvature along the moves, in natural units.
    func meanCurvature(units: [Double], lag: Double) -> Double {
        let (moves, responses) = scaled(units: units, lag: lag)
        return -responses.trace / moves.trace
    }

    /// The symmetric H̃ that minimises Σw‖Δṽ + H̃Δλ̃‖² + ρ‖H̃ − prior‖², tilde for natural units.
    ///
    /// Its normal equation AH + HA + 2ρH = −(B + Bᵀ) + 2ρ·prior is solved entry by entry in A's eigenbasis.
    func estimate(units: [Double], lag: Double, prior: SquareMatrix, ridge: Double) -> SquareMatrix {
        let (moves, responses) = scaled(units: units, lag: lag)
        let eigen = SymmetricEigen(moves)
        let rotated = eigen.rotatedIn(responses)
        let rotatedPrior = eigen.rotatedIn(prior)
        var solution = rotated
        for i in 0..<moves.order {
            for j in 0..<moves.order {
                let right = 2 * ridge * rotatedPrior[i, j] - rotated[i, j] - rotated[j, i]
                let left = max(eigen.values[i], 0) + max(eigen.values[j], 0) + 2 * ridge
                solution[i, j] = right / left
            }
        }
        return eigen.rotatedOut(solution)
    }

    /// A and (B − αB′)/(1−α) for λ in multiples of the units and v in their inverses.
    private func scaled(units: [Double], lag: Double) -> (moves: SquareMatrix, responses: SquareMatrix) {
        let inverseUnits = units.map { 1 / $0 }
        let settled = SquareMatrix(
            order: responses.order,
            values: zip(responses.values, earlierResponses.values).map { ($0 - lag * $1) / (1 - lag) })
        return (
            moves.scaled(rows: inverseUnits, columns: inverseUnits),
            settled.scaled(rows: units, columns: inverseUnits)
        )
    }

    var state: [[Double]] { [moves.values, responses.values, earlierResponses.values] }

    init(moves: SquareMatrix, responses: SquareMatrix, earlierResponses: SquareMatrix) {
        self.moves = moves
        self.responses = responses
        self.earlierResponses = earlierResponses
    }
}
