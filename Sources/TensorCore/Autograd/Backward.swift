/// Gradients of the leaves a backward pass reached.
public struct Gradients {
    private var byLeaf: [ObjectIdentifier: Tensor] = [:]

    /// The gradient of a tracked leaf, or nil if the output does not depend on it.
    public subscript(leaf: Tensor) -> Tensor? { leaf.node.flatMap { byLeaf[ObjectIdentifier($0)] } }

    fileprivate mutating func add(_ gradient: Tensor, to node: Node) {
        let id = ObjectIdentifier(node)
        byLeaf[id] = byLeaf[id].map { accumulate(gradient, onto: $0) } ?? gradient
    }
}

/// Reverse-mode differentiation of one scalar.
public func gradients(of output: Tensor) -> Gradients {
    precondition(
        output.elementCount == 1,
        "gradients(of:): needs a scalar, got shape \(output.shape); pass a seed gradient instead")
    return gradients(of: [(output, Tensor.ones(output.shape, dtype: output.dtype, on: output.device))])
}

/// Reverse-mode differentiation: Σ over outputs of ⟨seed, output⟩.
///
/// Saved tensors are dropped as the pass goes by, so a graph can be walked once.
public func gradients(of outputs: [(output: Tensor, seed: Tensor)]) -> Gradients {
    var pass = BackwardPass()
    for (output, seed) in outputs {
        precondition(
            output.shape == seed.shape,
            "gradients(of:): seed of shape \(seed.shape) for an output of shape \(output.shape)")
        if let node = output.node { pass.send(seed, to: node) }
    }
    withoutRecording { pass.run() }
    return pass.result
}

/// The nodes waiting for the backward pass, latest first.
private struct BackwardPass {
    var queue = NodeQueue()
    var result = Gradients()

    mutating func send(_ gradient: Tensor, to node: Node) {
        // Leaves (parameters) may take part in passes on other threads: what they receive stays in this pass.
        if case .leaf = node.rule { return result.add(gradient, to: node) }
        if let sum = node.gradient {
            node.gradient = accumulate(gradient, onto: sum)
        } else {
            node.gradient = gradient
            queue.insert(node)
        }
    }

    mutating func run() {
        while let node = queue.popLatest() {
            guard let gradient = node.gradient else { continue }
            node.gradient = nil
            switch node.rule {
            case .leaf:
                continue  // never queued: `send` keeps leaves out
            case .spent:
                preconditionFailure("gradients(of:): the graph was walked before; its saved tensors are gone")
            case .adjoint(let adjoint):
                let inputs = node.inputs
                let contributions = adjoint(gradient)
                node.release()
                for (input, contribution) in zip(inputs, contributions) {
                    if let input, let contribution { send(contribution, to: input) }
                }
            case .segment(let rerun):
                // The re-run's nodes are newer than all that wait, so the queue takes them first.
                let output = withRecording(rerun)
                node.release()
                if let inner = output.node { send(gradient, to: inner) }
            }
        }
    }
}

/// Sums two gradients.
private func accumulate(_ gradient: Tensor, onto sum: Tensor) -> Tensor { sum + gradient }

/// A binary heap of nodes ordered by age.
private struct NodeQueue {
    private var heap: [Node] = []

    mutating func insert(_ node: Node) {
        heap.append(node)
        var child = heap.count - 1
        while child > 0, heap[child].sequence > heap[(child - 1) / 2].sequence {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popLatest() -> Node? {
        guard let latest = heap.first, let tail = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return latest }
        heap[0] = tail
        var parent = 0
        while true {
            var newest = parent
            for child in (2 * parent + 1)...(2 * parent + 2) where child < heap.count {
                if heap[child].sequence > heap[newest].sequence { newest = child }
            }
            guard newest != parent else { return latest }
            heap.swapAt(parent, newest)
            parent = newest
        }
    }
}
