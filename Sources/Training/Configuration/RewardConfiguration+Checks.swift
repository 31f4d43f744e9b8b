extension RewardConfiguration {
    /// Reports lengths that are not `dimension`, and thresholds that no distribution meets.
    func check(dimension: Int, at path: ConfigurationPath, _ reader: ConfigurationReader) {
        let threshold = path.key("threshold")
        switch function {
        case .linear(let weights):
            let place = path.key("linear")
            let fits = reader.require(weights.count == dimension, at: place, with: ["dimension"]) {
                "has \(weights.count) numbers, expected dimension = \(dimension)"
            }
            guard fits, weights.allSatisfy({ $0 == 0 }) else { return }
            reader.require(normalize == .none, at: place, with: [path.key("normalize")]) {
                "is all zeros, so the reward has no deviation to normalize by; give it weights"
            }
            requireReachable(0...0, because: "weights that are all zero", at: threshold, reader)
        case .mean: break
        case .mirror(let width, let height):
            let place = path.key("mirror")
            let product = width.multipliedReportingOverflow(by: height)
            let isImage = !product.overflow && product.partialValue == dimension
            reader.require(isImage, at: place, with: ["dimension", place.key("width"), place.key("height")]) {
                "\(width)×\(height) pixels are not dimension = \(dimension)"
            }
            guard normalize == .none else { return }
            requireReachable(
                -Double.infinity...0, because: "minus a squared difference", at: threshold, reader)
        }
    }

    /// Reports a threshold that a reward with values in `range` cannot meet.
    private func requireReachable(
        _ range: ClosedRange<Double>, because reason: String, at place: ConfigurationPath,
        _ reader: ConfigurationReader
    ) {
        let isReachable = direction == .high ? range.upperBound >= threshold : range.lowerBound <= threshold
        let limit = direction == .high ? "never above \(range.upperBound)" : "never below \(range.lowerBound)"
        reader.require(isReachable, at: place) {
            "\(threshold) cannot be met: a reward of \(reason) is \(limit)"
        }
    }
}
