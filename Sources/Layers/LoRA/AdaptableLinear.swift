import TensorCore

/// A frozen linear layer that adapters can change: y = x · (W + Σ w s B A)ᵀ + b.
///
/// - Shapes: x `[N, …, inputs]`, y `[N, …, outputs]`; N as the groups of an `AdapterPass` count it.
public final class AdaptableLinear: Module {
    /// How files hold the weight.
    public enum Kind: Sendable {
        /// `[O, I]`
        case matrix
        /// `[O, I, 1, 1]`
        case pointwiseConvolution
    }

    /// The dotted name in the model, under which adapters know the layer.
    public let path: String
    public let kind: Kind
    private let base: Linear

    public init(
        _ source: ParameterSource, _ inputs: Int, _ outputs: Int, hasBias: Bool = true, kind: Kind = .matrix
    ) {
        path = source.layerPath
        self.kind = kind
        base =
            switch kind {
            case .matrix: Linear(source, inputs, outputs, hasBias: hasBias)
            case .pointwiseConvolution:
                Linear(
                    weight: source.pointwiseWeight("weight", outputs: outputs, inputs: inputs),
                    bias: hasBias ? source("bias", [outputs]) : nil)
            }
    }

    public var inputs: Int { base.weight.shape[1] }
    public var outputs: Int { base.weight.shape[0] }

    /// Whether the path ends in this name.
    public func isNamed(_ name: String) -> Bool { path == name || path.hasSuffix("." + name) }

    /// - Parameter addend: added to the result.
    public func callAsFunction(_ x: Tensor, _ adapters: AdapterPass, adding addend: Tensor? = nil) -> Tensor {
        base(x, adding: adapters.change(of: path, at: x, adding: addend))
    }

    public var namedParameters: [NamedParameter] { base.namedParameters }
}
