import TensorCore

/// Layer norm with learned scale and shift over the last axis.
public final class LayerNorm: Module {
    public let scale: Parameter
    public let shift: Parameter
    public let epsilon: Double

    public init(_ features: Int, epsilon: Double = 1e-5) {
        self.scale = Parameter(.ones([features]))
        self.shift = Parameter(.zeros([features]))
        self.epsilon = epsilon
    }

    /// Frozen, from a file.
    public init(_ source: ParameterSource, _ features: Int, epsilon: Double = 1e-5) {
        self.scale = source("weight", [features])
        self.shift = source("bias", [features])
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        layerNorm(
            x, scale: scale.value.cast(to: x.dtype), shift: shift.value.cast(to: x.dtype), epsilon: epsilon)
    }

    public var namedParameters: [NamedParameter] {
        [NamedParameter("weight", scale), NamedParameter("bias", shift)]
    }
}
