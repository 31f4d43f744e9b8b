import Synchronization

/// One recorded operation: where its output came from and how a gradient passes back through it.
///
/// Nodes are numbered in the order they are made, so decreasing numbers are a valid order for the backward pass.
/// Adjoints capture detached tensors; only `inputs` links nodes, which lets a long chain be freed iteratively.
/// A backward pass keeps its running sums to itself: passes on several threads may share leaves.
package final class Node: @unchecked Sendable {
    /// How gradients leave a node.
    package enum Rule {
        /// A parameter or input whose gradient is asked for.
        case leaf
        /// dy ↦ one gradient per input (nil where that input needs none).
        case adjoint((Tensor) -> [Tensor?])
        /// Re-runs a checkpointed segment, its inputs placed at the given nodes, and returns its output.
        case segment(([Node?]) -> Tensor)
        /// A backward pass has been here and dropped what was saved.
        case spent
    }

    private static let counter = Atomic<UInt64>(0)

    let sequence: UInt64
    var inputs: [Node?]
    var rule: Rule

    package init(inputs: [Node?], rule: Rule) {
        self.sequence = Node.counter.wrappingAdd(1, ordering: .relaxed).newValue
        self.inputs = inputs
        self.rule = rule
    }

    /// Forgets saved tensors and parents; a backward pass calls this behind itself.
    func release() {
        inputs = []
        rule = .spent
    }

    deinit {
        // Thousands of chained nodes (every step of a sampler) would otherwise recurse through the stack.
        var pending = inputs
        inputs = []
        while var node = pending.popLast() {
            if node != nil, isKnownUniquelyReferenced(&node), let last = node {
                pending.append(contentsOf: last.inputs)
                last.inputs = []
            }
        }
    }
}

extension Tensor {
    /// Makes a leaf of the graph: `gradients(of:)` will report the gradient of this tensor.
    public func tracked() -> Tensor { with(node: Node(inputs: [], rule: .leaf)) }

    /// Whether operations on this tensor are recorded.
    public var isTracked: Bool { node != nil }

    /// Attaches the adjoint of the operation that made this tensor from `inputs`.
    ///
    /// - Parameter adjoint: dy ↦ gradients in the order of `inputs`. It must capture detached tensors only.
    package func recorded(from inputs: [Tensor], adjoint: @escaping (Tensor) -> [Tensor?]) -> Tensor {
        guard Recording.isOn, inputs.contains(where: \.isTracked) else { return self }
        return with(node: Node(inputs: inputs.map(\.node), rule: .adjoint(adjoint)))
    }

    /// The common case of one input.
    package func recorded(from input: Tensor, adjoint: @escaping (Tensor) -> Tensor) -> Tensor {
        guard input.isTracked, Recording.isOn else { return self }
        return with(node: Node(inputs: [input.node], rule: .adjoint { [adjoint($0)] }))
    }
}
