import TensorCore

/// Exponential moving average of parameters: ā ← δ ā + (1 − δ) a.
///
/// Averaged weights score better than the last ones, whose error is dominated by gradient noise. The decay is
/// warmed up as min(δ, (1 + n)/(10 + n)), so that early weights do not linger.
public final class WeightAverage: @unchecked Sendable {
    public let decay: Double
    public private(set) var updates = 0
    private let parameters: [NamedParameter]
    public private(set) var values: [Tensor]

    public init(_ parameters: [NamedParameter], decay: Double) {
        self.parameters = parameters
        self.decay = decay
        self.values = parameters.map { $0.parameter.value.detached.copied() }
    }

    public func update() {
        let keep = min(decay, Double(1 + updates) / Double(10 + updates))
        updates += 1
        for (index, named) in parameters.enumerated() {
            let value = named.parameter.value.detached
            value.backend.accumulate(value, scale: 1 - keep, onto: values[index], scale: keep)
        }
    }

    /// Replaces the parameters by their averages.
    public func apply() {
        for (named, value) in zip(parameters, values) { named.parameter.assign(value.copied()) }
    }

    public func restore(_ saved: [Tensor], updates: Int) {
        values = saved.map { $0.copied() }
        self.updates = updates
    }
}
