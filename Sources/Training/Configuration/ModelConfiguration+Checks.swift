extension ModelConfiguration {
    /// Reports lengths that are not `dimension`, and Gaussians that are none.
    func check(dimension: Int, at path: ConfigurationPath, _ reader: ConfigurationReader) {
        switch source {
        case .gaussian(let gaussian):
            gaussian.check(dimension: dimension, model: name, at: path.key("gaussian"), reader)
        case .mixture(let components):
            let list = path.key("mixture")
            reader.require(!components.isEmpty, at: list) { "is empty; give at least one component" }
            for (index, component) in components.enumerated() {
                component.gaussian.check(dimension: dimension, model: name, at: list[index], reader)
            }
            let sum = components.reduce(0) { $0 + $1.weight }
            reader.require(
                components.isEmpty || abs(sum - 1) <= 1e-6, at: list,
                with: components.indices.map { list[$0].key("weight") }
            ) {
                "the weights sum to \(sum), expected 1; divide each by \(sum)"
            }
        case .samples: break
        }
    }
}

extension GaussianConfiguration {
    fileprivate func check(
        dimension: Int, model: String, at path: ConfigurationPath, _ reader: ConfigurationReader
    ) {
        reader.require(mean.count == dimension, at: path.key("mean"), with: ["dimension"]) {
            "has \(mean.count) numbers, expected dimension = \(dimension)"
        }
        let place = path.key("covariance")
        let isSquare = reader.require(
            covariance.count == dimension && covariance.allSatisfy { $0.count == dimension }, at: place,
            with: ["dimension"]
        ) {
            let widths = Set(covariance.map(\.count)).sorted().map(String.init).joined(separator: ", ")
            return "has \(covariance.count) rows of \(widths.isEmpty ? "0" : widths) numbers, expected "
                + "\(dimension)×\(dimension) as `dimension` says"
        }
        guard isSquare, reader.isRead(path) else { return }
        if let (i, j) = asymmetry {
            reader.report(
                "of model `\(model)` is not symmetric: [\(i)][\(j)] is \(covariance[i][j]), [\(j)][\(i)] is "
                    + "\(covariance[j][i]); make them equal", at: place)
        } else if let (index, pivot) = failedPivot {
            reader.report(
                "of model `\(model)` is not positive definite: pivot \(index) of its Cholesky factor is \(pivot), "
                    + "the variance left in coordinate \(index) given those before it; raise [\(index)][\(index)] "
                    + "or shrink what stands beside it", at: place)
        }
    }

    /// Two mirrored elements that differ by more than 1e-9 of the largest element.
    private var asymmetry: (Int, Int)? {
        let scale = covariance.joined().reduce(0) { max($0, abs($1)) }
        for i in covariance.indices {
            for j in 0..<i where abs(covariance[i][j] - covariance[j][i]) > 1e-9 * scale { return (i, j) }
        }
        return nil
    }

    /// The first pivot of the Cholesky decomposition that is not positive, beyond rounding.
    private var failedPivot: (index: Int, pivot: Double)? {
        var factor = covariance
        for i in covariance.indices {
            for j in 0...i {
                let product = (0..<j).reduce(0) { $0 + factor[i][$1] * factor[j][$1] }
                let rest = covariance[i][j] - product
                if i == j {
                    guard rest > 1e-12 * abs(covariance[i][i]) else { return (i, rest) }
                    factor[i][i] = rest.squareRoot()
                } else {
                    factor[i][j] = rest / factor[j][j]
                }
            }
        }
        return nil
    }
}
