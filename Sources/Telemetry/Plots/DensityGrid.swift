import Foundation

/// A density over a square of the plane, in cells.
public struct DensityGrid: Sendable {
    public let limits: PlaneLimits
    public let side: Int
    /// Rows from the top (largest y), cells from the left: `[side, side]`, not negative.
    let values: [Double]

    /// The density at the centre of each cell; what is not finite or negative counts as 0.
    public init(limits: PlaneLimits, side: Int = 128, density: (SIMD2<Double>) -> Double) {
        precondition(side > 0, "DensityGrid: got side \(side), expected at least one cell")
        self.limits = limits
        self.side = side
        let cell = 2 * limits.halfSide / Double(side)
        values = (0..<side * side).map { index in
            let column = Double(index % side) + 0.5
            let row = Double(index / side) + 0.5
            let value = density(SIMD2(limits.lower.x + column * cell, limits.upper.y - row * cell))
            return value.isFinite ? max(value, 0) : 0
        }
    }

    /// How the samples are spread: counts per cell, smoothed by a Gaussian of `smoothing` cells.
    public init(
        samples: some Sequence<SIMD2<Double>>, limits: PlaneLimits, side: Int = 96, smoothing: Double = 1.2
    ) {
        precondition(
            side > 0 && smoothing > 0,
            "DensityGrid: got side \(side), smoothing \(smoothing), expected positive numbers")
        self.limits = limits
        self.side = side
        var counts = [Double](repeating: 0, count: side * side)
        for sample in samples {
            let place = (sample - limits.lower) / (2 * limits.halfSide) * Double(side)
            guard place.x >= 0, place.y >= 0, place.x < Double(side), place.y < Double(side) else { continue }
            counts[(side - 1 - Int(place.y)) * side + Int(place.x)] += 1
        }
        values = Self.smoothed(counts, side: side, deviation: smoothing)
    }

    /// The colour laid on as thickly as the density is high; the square root lets tails be seen.
    package func image(color: RGB) -> PNGImage {
        let highest = values.max() ?? 0
        let pixels = values.flatMap { value -> [UInt8] in
            let share = highest > 0 ? (value / highest).squareRoot() : 0
            return [color.red, color.green, color.blue, UInt8((share * 235).rounded())]
        }
        return PNGImage(width: side, height: side, channels: .rgba, pixels: pixels)
    }

    /// Rows, then columns; nothing comes in from outside.
    private static func smoothed(_ values: [Double], side: Int, deviation: Double) -> [Double] {
        let reach = Int((3 * deviation).rounded(.up))
        let kernel = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let total = kernel.reduce(0, +)
        func pass(_ source: [Double], step: Int, along: (Int) -> Int) -> [Double] {
            source.indices.map { index in
                var sum = 0.0
                for offset in -reach...reach where (0..<side).contains(along(index) + offset) {
                    sum += kernel[offset + reach] * source[index + offset * step]
                }
                return sum / total
            }
        }
        return pass(pass(values, step: 1) { $0 % side }, step: side) { $0 / side }
    }
}
