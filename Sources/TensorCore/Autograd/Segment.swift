/// Runs `body` keeping only its inputs; the backward pass runs it again to get at the rest.
///
/// Chen et al. 2016. Trades one more forward pass for the memory of everything inside: a sampling step of a large
/// network becomes one tensor. `body` must give the same result each time (draw randomness by key).
///
/// - Parameter inputs: tensors `body` uses that may be tracked; leaves captured by `body` need not be listed.
public func segment(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
    guard Recording.isOn else { return body(inputs) }
    let output = withoutRecording { body(inputs) }
    return output.with(node: Node(inputs: inputs.map(\.node), rule: .segment { body(inputs) }))
}
