import Foundation

extension PlanePanel.Outline {
    /// Points of one of the ellipses: the image of the unit circle under s · L, covariance = L Lᵀ (Cholesky).
    func points(deviations: Double, count: Int) -> [SIMD2<Double>] {
        let l11 = max(covariance[0].x, 0).squareRoot()
        let l21 = l11 > 0 ? covariance[1].x / l11 : 0
        let l22 = max(covariance[1].y - l21 * l21, 0).squareRoot()
        return (0..<count).map { index in
            let angle = 2 * Double.pi * Double(index) / Double(count)
            return mean + deviations * SIMD2(l11 * cos(angle), l21 * cos(angle) + l22 * sin(angle))
        }
    }
}
