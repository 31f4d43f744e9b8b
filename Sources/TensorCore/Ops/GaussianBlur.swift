import Foundation

extension BandedMatrix {
    /// Gaussian blur of a side of `count` pixels: taps e^(−k²/2σ²), |k| ≤ radius, that sum to 1; outside, the image is
    /// mirrored about its border pixels, which are not repeated.
    public static func gaussianBlur(count: Int, radius: Int, deviation: Double) -> BandedMatrix {
        precondition(
            radius >= 0 && count > radius && deviation > 0,
            "gaussianBlur: got \(count) pixels, radius \(radius) and deviation \(deviation), "
                + "expected more pixels than the radius and a positive deviation")
        let taps = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (deviation * deviation)) }
        let total = taps.reduce(0, +)
        let bands = (0..<count).map { center in
            band(
                taps.enumerated().map { place, tap in
                    let mirrored = abs(center + place - radius)
                    return (min(mirrored, 2 * (count - 1) - mirrored), tap / total)
                })
        }
        return BandedMatrix(columns: count, bands: bands)
    }
}

extension Tensor {
    /// Images blurred along both sides; `radius` must be smaller than either.
    ///
    /// - Shapes: self, result `[N, H, W, C]`.
    public func blurred(radius: Int, deviation: Double) -> Tensor {
        precondition(shape.rank == 4, "blurred: needs images [N, H, W, C], got \(shape)")
        let side = { BandedMatrix.gaussianBlur(count: $0, radius: radius, deviation: deviation) }
        return resampled(vertically: side(shape[1]), horizontally: side(shape[2]))
    }
}
