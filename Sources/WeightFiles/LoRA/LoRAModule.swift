import TensorCore

/// The low-rank change of one linear or convolutional layer: ΔW = scale · B · A (Hu et al. 2022, §4.1).
public struct LoRAModule: Sendable {
    /// A: `[r, inputs]`, or `[r, inputs, height, width]` for a convolution.
    public let down: Tensor
    /// B: `[outputs, r]`, or `[outputs, r, 1, 1]` for a convolution.
    public let up: Tensor
    /// α / r.
    public let scale: Double

    public init(down: Tensor, up: Tensor, scale: Double) {
        precondition(
            down.shape.rank == up.shape.rank && [2, 4].contains(down.shape.rank)
                && down.shape[0] == up.shape[1],
            "LoRAModule: A \(down.shape) and B \(up.shape) do not form a product")
        self.down = down
        self.up = up
        self.scale = scale
    }

    /// r, the LoRA rank.
    public var rank: Int { down.shape[0] }
    public var alpha: Double { scale * Double(rank) }
    public var isConvolution: Bool { down.shape.rank == 4 }

    /// The same change with another α: B takes the difference.
    func with(alpha newAlpha: Double) -> LoRAModule {
        guard alpha != newAlpha else { return self }
        return LoRAModule(
            down: down, up: up.affine(scale: alpha / newAlpha, shift: 0), scale: newAlpha / Double(rank))
    }
}

/// The networks of a pipeline that adapters change.
public enum LoRATarget: String, Sendable, CaseIterable {
    case unet
    case textEncoder = "text_encoder"
}
