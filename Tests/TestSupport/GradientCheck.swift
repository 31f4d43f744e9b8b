import TensorCore
import XCTest

/// Compares the adjoint of `function` with central differences in double precision, for every input.
///
/// The function is made scalar by a fixed random weighting of its outputs: L = ⟨w, f(x)⟩. Each element is moved by
/// ±h with h = 1e-5 · max(1, |x|), where the O(h²) truncation and the O(ε/h) rounding are both near 1e-10.
///
/// - Parameters:
///   - function: `float64` tensors in, one `float64` tensor out; it must be smooth at `inputs`.
///   - inputs: where to differentiate; each is tracked.
public func checkGradient(
    of function: ([Tensor]) -> Tensor, at inputs: [Tensor], absolute: Double = 1e-7, relative: Double = 1e-6,
    _ message: String = "", file: StaticString = #filePath, line: UInt = #line
) {
    precondition(inputs.allSatisfy { $0.dtype == .float64 }, "checkGradient: inputs must be f64")
    let leaves = inputs.map { $0.tracked() }
    let output = function(leaves)
    let weights = randomTensor(output.shape, seed: 0x5eed, dtype: .float64)
    let gradients = gradients(of: [(output, weights)])

    for (position, input) in inputs.enumerated() {
        let label = (message.isEmpty ? "" : message + ", ") + "input \(position)"
        guard let gradient = gradients[leaves[position]] else {
            XCTFail("\(label): no gradient", file: file, line: line)
            continue
        }
        let numeric = input.doubles.indices.map { element in
            centralDifference(at: input.doubles, element) { moved in
                var probe = inputs
                probe[position] = Tensor(moved, shape: input.shape)
                return withoutRecording { function(probe) }.dot(weights)
            }
        }
        assertClose(
            gradient, Tensor(numeric, shape: input.shape), absolute: absolute, relative: relative, label,
            file: file, line: line)
    }
}

/// (L(x + h eᵢ) − L(x − h eᵢ)) / 2h.
private func centralDifference(at x: [Double], _ element: Int, _ loss: ([Double]) -> Double) -> Double {
    let step = 1e-5 * max(1, abs(x[element]))
    var (above, below) = (x, x)
    above[element] += step
    below[element] -= step
    // The step that rounding left, not the one asked for.
    return (loss(above) - loss(below)) / (above[element] - below[element])
}
