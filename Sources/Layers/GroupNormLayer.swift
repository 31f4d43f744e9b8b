import TensorCore

/// A frozen group norm with learned scale and shift, and SiLU after it where asked for.
///
/// - Shapes: x, y `[N, …, C]`.
public final class GroupNormLayer: Module {
    public let scale: Parameter
    public let shift: Parameter
    public let groups: Int
    public let epsilon: Double
    public let isFollowedBySiLU: Bool

    public init(
        _ source: ParameterSource, _ channels: Int, groups: Int, epsilon: Double,
        isFollowedBySiLU: Bool = false
    ) {
        scale = source("weight", [channels])
        shift = source("bias", [channels])
        self.groups = groups
        self.epsilon = epsilon
        self.isFollowedBySiLU = isFollowedBySiLU
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        groupNorm(
            x, groups: groups, scale: scale.value, shift: shift.value, epsilon: epsilon,
            silu: isFollowedBySiLU)
    }

    public var namedParameters: [NamedParameter] {
        [NamedParameter("weight", scale), NamedParameter("bias", shift)]
    }
}
