import TensorCore

/// The low-rank change of one linear layer: ΔW = scale · B · A (Hu et al. 2022, §4.1).
public final class LoRAFactors: Module {
    /// A, `[r, inputs]`, in f32.
    public let down: Parameter
    /// B, `[outputs, r]`, in f32.
    public let up: Parameter
    /// α / r.
    public let scale: Double

    public init(down: Tensor, up: Tensor, scale: Double, isTrainable: Bool = true) {
        precondition(
            down.shape.rank == 2 && up.shape.rank == 2 && down.shape[0] == up.shape[1],
            "LoRAFactors: A \(down.shape) and B \(up.shape) do not form a product")
        self.down = Parameter(down.cast(to: .float32), isTrainable: isTrainable)
        self.up = Parameter(up.cast(to: .float32), isTrainable: isTrainable)
        self.scale = scale
    }

    /// A change that starts at zero: A from N(0, 1/r²), B zero, as PEFT's `gaussian`.
    public convenience init(
        inputs: Int, outputs: Int, rank: Int, alpha: Double, initializer: inout Initializer
    ) {
        precondition(rank > 0, "LoRAFactors: rank \(rank) is not positive")
        self.init(
            down: initializer.normal([rank, inputs], deviation: 1 / Double(rank)),
            up: .zeros([outputs, rank]), scale: alpha / Double(rank))
    }

    /// r.
    public var rank: Int { down.shape[0] }
    public var inputs: Int { down.shape[1] }
    public var outputs: Int { up.shape[0] }

    public var namedParameters: [NamedParameter] {
        [NamedParameter("lora_A.weight", down), NamedParameter("lora_B.weight", up)]
    }
}
