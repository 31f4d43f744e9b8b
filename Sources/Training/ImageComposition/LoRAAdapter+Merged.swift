import ConstrainedLearning
import Layers
import TensorCore

extension LoRAAdapter {
    /// Starts at the nearest to Σ w_i ΔW_i that its rank allows: its truncated singular value decomposition, layer by
    /// layer.
    ///
    /// With U = (w_1 s_1 B_1 …), V = (A_1; …), Σ w_i ΔW_i = U V, and the Gram matrix G = V Vᵀ, the rows of G^{−1/2} V
    /// are orthonormal, so that the right singular vectors of U V are those of U G^{1/2}, the eigenvectors E of
    /// G^{1/2} UᵀU G^{1/2}: of rank r, U V ≈ (U G^{1/2} E_r) (E_rᵀ G^{−1/2} V).
    ///
    /// - Parameter terms: adapters of one model with their weights; those without weight do not count.
    func start(fromMerged terms: [(adapter: LoRAAdapter, weight: Double)]) {
        for (path, own) in factors {
            let parts = terms.filter { $0.weight != 0 }.compactMap { term in
                term.adapter.factors[path].map { (factors: $0, strength: term.weight * $0.scale) }
            }
            guard !parts.isEmpty else { continue }
            let up = Tensor.concatenated(
                parts.map { $0.factors.up.value.detached * $0.strength }, axis: 1)
            let down = Tensor.concatenated(parts.map { $0.factors.down.value.detached })
            own.approximate(up, down)
        }
    }
}

extension LoRAFactors {
    /// Takes the best approximation of a product of larger rank; what its own rank has to spare stays as it starts.
    fileprivate func approximate(_ up: Tensor, _ down: Tensor) {
        let order = down.shape[0]
        let gram = SymmetricEigen(matmul(down, down, transposeB: true).matrix)
        // Rows that depend on others up to the rounding of f32 span nothing of their own.
        let least = 1e-6 * (gram.values.max() ?? 0)
        let root = gram.rebuilt { $0 > least ? $0.squareRoot() : 0 }
        let inverse = gram.rebuilt { $0 > least ? 1 / $0.squareRoot() : 0 }
        let (right, left) = (Tensor(root), Tensor(inverse))
        let spread = matmul(up, right)
        let singular = SymmetricEigen(matmul(spread, spread, transposeA: true).matrix)
        let best = singular.values.indices.sorted { singular.values[$0] > singular.values[$1] }.prefix(rank)
        let vectors = Tensor(
            (0..<order).flatMap { row in best.map { Float(singular.vectors[row, $0]) } },
            shape: [order, best.count])
        let newUp = matmul(spread, vectors) * (1 / scale)
        let newDown = matmul(matmul(vectors, left, transposeA: true), down)
        let spare = rank - best.count
        self.up.assign(
            spare > 0 ? Tensor.concatenated([newUp, .zeros([outputs, spare])], axis: 1) : newUp)
        self.down.assign(
            spare > 0
                ? Tensor.concatenated([newDown, self.down.value.detached.slice(best.count..<rank)]) : newDown)
    }
}

extension Tensor {
    /// A square matrix on the host.
    fileprivate var matrix: SquareMatrix { SquareMatrix(order: shape[0], values: doubles) }

    fileprivate init(_ matrix: SquareMatrix) {
        self.init(matrix.values.map(Float.init), shape: [matrix.order, matrix.order])
    }
}
