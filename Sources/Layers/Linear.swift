import Foundation
import TensorCore

/// y = x · Wᵀ + b.
///
/// - Shapes: x `[…, inputs]`, weight `[outputs, inputs]`, bias `[outputs]`.
public final class Linear: Module {
    public let weight: Parameter
    public let bias: Parameter?

    public init(weight: Parameter, bias: Parameter?) {
        self.weight = weight
        self.bias = bias
    }

    /// Uniform in ±1/√inputs for weight and bias, as PyTorch's `nn.Linear` starts.
    public convenience init(_ inputs: Int, _ outputs: Int, initializer: inout Initializer) {
        let bound = 1 / Double(inputs).squareRoot()
        self.init(
            weight: Parameter(initializer.uniform([outputs, inputs], bound: bound)),
            bias: Parameter(initializer.uniform([outputs], bound: bound)))
    }

    /// Frozen, from a file.
    public convenience init(_ source: ParameterSource, _ inputs: Int, _ outputs: Int, hasBias: Bool = true) {
        self.init(
            weight: source("weight", [outputs, inputs]), bias: hasBias ? source("bias", [outputs]) : nil)
    }

    /// All zeros: a residual branch that starts as the identity.
    public static func zeros(_ inputs: Int, _ outputs: Int) -> Linear {
        Linear(weight: Parameter(.zeros([outputs, inputs])), bias: Parameter(.zeros([outputs])))
    }

    /// - Parameter addend: added to the result, broadcast to its shape.
    public func callAsFunction(_ x: Tensor, adding addend: Tensor? = nil) -> Tensor {
        linear(x, weight.value, bias?.value, adding: addend)
    }

    public var namedParameters: [NamedParameter] {
        [NamedParameter("weight", weight)] + (bias.map { [NamedParameter("bias", $0)] } ?? [])
    }
}
