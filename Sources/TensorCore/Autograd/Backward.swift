/// Gradients of the leaves a backward pass reached.
public struct Gradients {
    private var byLeaf: [ObjectIdentifier: Tensor] = [:]

    /// The gradient of a tracked leaf, or nil if the output does not depend on it.
    public subscript(leaf: Tensor) -> Tensor? { leaf.node.flatMap { self[$0] } }

    fileprivate subscript(node: Node) -> Tensor? {
        get { byLeaf[ObjectIdentifier(node)] }
        set { byLeaf[ObjectIdentifier(node)] = newValue }
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
/// Saved tensors are dropped as the pass goes by, so a graph can be walked once, unless it is retained: then the next
/// pass finds it as it was.
public func gradients(
    of outputs: [(output: Tensor, seed: Tensor)], retainingGraph: Bool = false
) -> Gradients {
    var pass = BackwardPass(retainsGraph: retainingGraph)
    for (output, seed) in outputs {
        precondition(
            output.shape == seed.shape && output.dtype == seed.dtype,
            "gradients(of:): seed \(seed.shape) \(seed.dtype.name) for output \(output.shape) \(output.dtype.name)"
        )
        if let node = output.node { pass.send(seed.detached, to: node) }
    }
    withoutRecording { pass.run() }
    return pass.result
}

/// One walk: the nodes that wait, latest first, and what each has received so far.
private struct BackwardPass {
    let retainsGraph: Bool
    var queue = NodeQueue()
    var received: [ObjectIdentifier: Tensor] = [:]
    var result = Gradients()

    init(retainsGraph: Bool) { self.retainsGraph = retainsGraph }

    mutating func send(_ gradient: Tensor, to node: Node) {
        let id = ObjectIdentifier(node)
        if let sum = received[id] {
            received[id] = sum + gradient
        } else {
            received[id] = gradient
            queue.insert(node)
        }
    }

    mutating func run() {
        while let node = queue.popLatest() {
            guard let gradient = received.removeValue(forKey: ObjectIdentifier(node)) else { continue }
            switch node.rule {
            case .leaf:
                result[node] = gradient
            case .adjoint(let adjoint):
                let inputs = node.inputs
                let contributions = adjoint(gradient)
                if !retainsGraph { node.release() }
                for (input, contribution) in zip(inputs, contributions) {
                    if let input, let contribution { send(contribution, to: input) }
                }
            case .segment(let rerun):
                // The re-run's nodes are newer than all that wait, so the queue takes them first.
                let inputs = node.inputs
                let output = withRecording { rerun(inputs) }
                if !retainsGraph { node.release() }
                if let inner = output.node { send(gradient, to: inner) }
            case .spent:
                preconditionFailure(
                    "gradients(of:): part of this graph was walked before, and what it had saved is gone;"
                        + " pass all outputs that share a part in one call")
            }
        }
    }
}

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
