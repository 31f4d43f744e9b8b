import WeightFiles

/// Sizes of the transformer by which MPS relates an image to its prompt.
public struct CrossModelConfiguration: Sendable, Equatable {
    /// Features of a token.
    public var width: Int
    public var layers = 4
    /// Queries of a token; all share one key and one value.
    public var heads = 16
    /// Elements of a query, a key or a value.
    public var headWidth = 64

    public init(width: Int) { self.width = width }

    /// With heads as wide and as many as the first layer in a file has; where it has none that make sense, the
    /// published model's, for which the file is then refused.
    init(width: Int, _ weights: ComponentWeights) {
        self.init(width: width)
        func rows(_ layer: String) -> Int {
            weights.shape(of: "\(MPSModel.crossName).layers.0.0.fn.\(layer).weight")?.dimensions.first ?? 0
        }
        let (queries, keysAndValues) = (rows("to_q"), rows("to_kv"))
        // Rotations take features in pairs.
        guard keysAndValues > 0, keysAndValues.isMultiple(of: 4), queries >= keysAndValues / 2 else { return }
        headWidth = keysAndValues / 2
        heads = queries / headWidth
    }

    /// Features inside the feed-forward part.
    var innerWidth: Int { 4 * width }
}
