import TensorCore

/// Low-rank changes of some layers of one frozen model.
///
/// An adapter stands beside the model: forward passes name those they use (`AdapterPass`), so that any number can
/// share a base, at once and on several threads.
public final class LoRAAdapter: Module {
    /// By the layer's path, as in `down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q`.
    public let factors: [String: LoRAFactors]

    public init(_ factors: [String: LoRAFactors]) { self.factors = factors }

    /// The layers that are adapted where nothing else is asked for: those of attention.
    public static let attentionTargets = ["to_q", "to_k", "to_v", "to_out.0"]

    /// An adapter that changes nothing yet.
    ///
    /// - Parameters:
    ///   - targets: ends of layers' paths, as PEFT's `target_modules`.
    ///   - alpha: α; the rank if nil, which makes the scale 1.
    public convenience init(
        adapting model: some CompositeModule, targets: [String] = attentionTargets, rank: Int,
        alpha: Double? = nil, key: RandomKey
    ) {
        var initializer = Initializer(key: key)
        var factors: [String: LoRAFactors] = [:]
        for layer in model.adaptableLayers where targets.contains(where: layer.isNamed) {
            factors[layer.path] = LoRAFactors(
                inputs: layer.inputs, outputs: layer.outputs, rank: rank, alpha: alpha ?? Double(rank),
                initializer: &initializer)
        }
        self.init(factors)
    }

    /// Sorted by path, A before B.
    public var namedParameters: [NamedParameter] {
        factors.sorted { $0.key < $1.key }.flatMap { $0.value.namedParameters(under: $0.key) }
    }
}
