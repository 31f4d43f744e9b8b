/// Runs `body` keeping only its inputs; the backward pass runs it again to get at the rest.
///
/// Chen et al. 2016. Trades one more forward pass for the memory of everything inside: a sampling step of a large
/// network becomes one tensor. `body` must give the same result each time (draw randomness by key).
///
/// - Parameter inputs: all tensors `body` uses that come from recorded operations; leaves it may simply capture.
public func segment(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
    guard Recording.isOn else { return body(inputs) }
    let output = withoutRecording { body(inputs) }
    let values = inputs.map(\.detached)
    let rerun = { (nodes: [Node?]) in body(zip(values, nodes).map { $0.with(node: $1) }) }
    return output.with(node: Node(inputs: inputs.map(\.node), rule: .segment(rerun)))
}
