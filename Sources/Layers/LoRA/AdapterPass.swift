import TensorCore

/// Which adapters a forward pass uses, and for which rows of the batch.
public struct AdapterPass: Sendable {
    /// An adapter and its weight w.
    private struct Term {
        let adapter: LoRAAdapter
        let weight: Double

        /// What the adapter has for a layer, with the factor w · s.
        func factors(_ path: String) -> (factors: LoRAFactors, strength: Double)? {
            adapter.factors[path].map { ($0, weight * $0.scale) }
        }
    }

    /// The batch falls into this many runs of equally many rows; each has the sum of its terms.
    private let groups: [[Term]]

    /// The base model.
    public static let base = AdapterPass(groups: [[]])

    /// One adapter, at its own strength.
    public static func adapter(_ adapter: LoRAAdapter) -> AdapterPass { weighted([(adapter, 1)]) }

    /// W + Σ w_i ΔW_i: a combination in the space of weights.
    public static func weighted(_ terms: [(adapter: LoRAAdapter, weight: Double)]) -> AdapterPass {
        AdapterPass(groups: [terms.map { Term(adapter: $0.adapter, weight: $0.weight) }])
    }

    /// The j-th part of the rows by the j-th pass; all rows go through the base weights together.
    public static func perGroup(_ passes: [AdapterPass]) -> AdapterPass {
        precondition(!passes.isEmpty, "AdapterPass.perGroup: needs at least one pass")
        return AdapterPass(groups: passes.flatMap(\.groups))
    }

    public var groupCount: Int { groups.count }

    /// Σ w s B A x + r for the layer at `path`, or r alone where no adapter changes it.
    ///
    /// - Shapes: x `[N, …, inputs]`, r `[N, …, outputs]`, as is the result.
    func change(of path: String, at x: Tensor, adding addend: Tensor?) -> Tensor? {
        let groups = groups.map { $0.compactMap { term in term.factors(path) } }
        let rank = groups.map { $0.reduce(0) { $0 + $1.factors.rank } }.max() ?? 0
        guard rank > 0, let sizes = groups.joined().first?.factors else { return addend }
        let products = groups.map { LowRankProduct($0, sizes: sizes, rank: rank) }
        guard products.count > 1 else {
            let low = linear(x, products[0].down.cast(to: x.dtype))
            return linear(low, products[0].up.cast(to: x.dtype), adding: addend)
        }
        precondition(
            x.shape[0].isMultiple(of: products.count),
            "AdapterPass: \(x.shape[0]) rows do not fall into \(products.count) groups")
        let down = Tensor.concatenated(products.map { $0.down.reshaped(1, rank, -1) })
        let up = Tensor.concatenated(products.map { $0.up.reshaped(1, -1, rank) })
        let rows = x.reshaped(products.count, -1, sizes.inputs)
        let low = matmul(rows, down.cast(to: x.dtype), transposeB: true)
        let change = matmul(low, up.cast(to: x.dtype), transposeB: true)
            .reshaped(x.shape.dimensions.dropLast() + [sizes.outputs])
        return addend.map { change + $0 } ?? change
    }
}

/// Σ w s B A of one group as one product: the A's below and the w s B's beside each other, with zeros up to the rank
/// that all groups share.
private struct LowRankProduct {
    /// `[rank, inputs]`.
    let down: Tensor
    /// `[outputs, rank]`.
    let up: Tensor

    init(_ terms: [(factors: LoRAFactors, strength: Double)], sizes: LoRAFactors, rank: Int) {
        var down = terms.map(\.factors.down.value)
        var up = terms.map { $0.strength == 1 ? $0.factors.up.value : $0.factors.up.value * $0.strength }
        let missing = rank - terms.reduce(0) { $0 + $1.factors.rank }
        if missing > 0 {
            down.append(.zeros([missing, sizes.inputs]))
            up.append(.zeros([sizes.outputs, missing]))
        }
        self.down = down.count == 1 ? down[0] : Tensor.concatenated(down)
        self.up = up.count == 1 ? up[0] : Tensor.concatenated(up, axis: 1)
    }
}
